"""How large a batch may be so that deciding it takes seconds, on whatever machine.

A batch is one step and one transaction: while it is decided, nothing of it shows, a stop waits for it, and a crash
repeats it. A model on a small machine may need a second for one record, one on a GPU decides hundreds.
"""

from __future__ import annotations

import math

_FIRST = 16  # messages of the first batch, when nothing was measured yet
_FASTER = 2  # a batch that took less than its time makes the next one at most so much larger


class Pace:
    """Measures the steps, and says how many messages the next one may have.

    Parameters
    ----------
    most : int
        Messages of a batch, never more.
    seconds : float
        A step should take no longer; infinite where only `most` counts.

    >>> pace = Pace(most=100, seconds=5.0)
    >>> pace.size
    16
    >>> pace.took(16, 1.0); pace.size
    32
    >>> pace.took(32, 20.0); pace.size
    8
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.size = most if math.isinf(seconds) else min(_FIRST, most)
        self._most = most
        self._seconds = seconds

    def took(self, count: int, seconds: float) -> None:
        """A step over `count` messages took so long. One that was not full tells nothing of a larger one."""
        if seconds > self._seconds:
            self.size = max(1, int(count * self._seconds / seconds))
        elif count >= self.size:
            self.size = min(self._most, _FASTER * self.size)

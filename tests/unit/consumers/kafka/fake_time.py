"""A clock that only sleeping moves, in the place of the module `time`."""

from __future__ import annotations

MOST = 10_000
"""Questions before it is called a tight loop; time would stand still in it for ever."""


class FakeTime:
    """Counts what is asked of somebody else meanwhile."""

    def __init__(self) -> None:
        self.questions = 0
        self._now = 0.0

    def asked(self) -> None:
        """One more question."""
        self.questions += 1
        assert self.questions < MOST, "asked again and again without a pause"

    def monotonic(self) -> float:
        """Seconds slept so far."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds

"""How many tokens may go to the endpoint in an hour.

What a request may take at most is set aside when it is asked, and what it took is counted when it is answered, so that
requests in flight never go beyond the limit together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

HOUR_S = 3600.0


class TokenBudget:
    """Tokens of the last hour.

    Parameters
    ----------
    most : int
        Tokens an hour; 0 is no limit.
    spent : iterable of (float, int)
        Seconds since 1970 and tokens: what went before this process began.

    Example
    -------
    >>> budget = TokenBudget(100, [(0.0, 80)])
    >>> budget.wait_s(50, now=600.0), budget.wait_s(20, now=600.0)
    (3000.0, 0.0)
    """

    def __init__(self, most: int, spent: Iterable[tuple[float, int]] = ()) -> None:
        self._most = most
        self._spent = deque(sorted(spent))
        self._set_aside = 0

    def wait_s(self, wanted: int, now: float) -> float:
        """Seconds until so many tokens may be asked for; infinite while only answers in flight can tell.

        A request that may take more than the limit waits for an hour of its own.
        """
        if not self._most:
            return 0.0
        while self._spent and self._spent[0][0] <= now - HOUR_S:
            self._spent.popleft()
        over = min(wanted, self._most) + self._set_aside + sum(tokens for _, tokens in self._spent) - self._most
        if over <= 0:
            return 0.0
        for at, tokens in self._spent:
            over -= tokens
            if over <= 0:
                return at + HOUR_S - now
        return float("inf")

    def set_aside(self, tokens: int) -> None:
        """A request is asked that may take so many."""
        self._set_aside += tokens

    def settle(self, aside: int, took: int, now: float) -> None:
        """It has been answered, and took so many; 0 where it failed."""
        self._set_aside -= aside
        if took:
            self._spent.append((now, took))

"""How many requests a client may send: a bucket for each, filled by time (token bucket, as in RFC 2697)."""

from __future__ import annotations


class Rates:
    """Requests per minute and client; a minute's worth may come at once.

    Parameters
    ----------
    per_minute : int
        0 sets no limit.

    Example
    -------
    >>> rates = Rates(2)
    >>> [rates.wait("ward", now) for now in (0.0, 0.0, 0.0, 30.0)], rates.wait("lab", 0.0)
    ([0.0, 0.0, 30.0, 0.0], 0.0)
    """

    def __init__(self, per_minute: int) -> None:
        self._full, self._per_second = float(per_minute), per_minute / 60
        self._buckets = dict[str, tuple[float, float]]()  # client -> requests left, and when that was so

    def wait(self, client: str, now: float) -> float:
        """0.0 lets a request in and counts it; otherwise the seconds until there is room for it.

        Parameters
        ----------
        now : float
            Seconds of a clock that never goes back.
        """
        if not self._full:
            return 0.0
        left, since = self._buckets.get(client, (self._full, now))
        left = min(self._full, left + (now - since) * self._per_second)
        if left < 1:
            self._buckets[client] = left, now
            return (1 - left) / self._per_second
        self._buckets[client] = left - 1, now
        return 0.0

"""A set of places in the samples topic, as ranges of offsets, in which one is found by bisection."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from ccit.pool import joined
from ccit.records import OffsetRange, Position


class Places:
    """What some ranges cover.

    >>> places = Places([OffsetRange(0, 2, 5), OffsetRange(0, 4, 7)])
    >>> Position(0, 6) in places, Position(0, 7) in places, Position(1, 3) in places
    (True, False, False)
    """

    def __init__(self, ranges: Iterable[OffsetRange] = ()) -> None:
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for r in joined(ranges):
            self._starts.setdefault(r.partition, []).append(r.start)
            self._ends.setdefault(r.partition, []).append(r.end)

    def __contains__(self, position: Position) -> bool:
        starts = self._starts.get(position.partition, [])
        row = bisect_right(starts, position.offset) - 1
        return row >= 0 and position.offset < self._ends[position.partition][row]


def range_of(position: Position) -> OffsetRange:
    """The range that covers one place.

    >>> range_of(Position(1, 3))
    OffsetRange(partition=1, start=3, end=4)
    """
    return OffsetRange(position.partition, position.offset, position.offset + 1)

"""A set of positions in the samples topic, as ranges of offsets, in which one is found by bisection."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from ccit.pool import joined
from ccit.records import OffsetRange, Position, Round


class PositionSet:
    """What some ranges cover.

    >>> positions = PositionSet([OffsetRange(0, 2, 5), OffsetRange(0, 4, 7)])
    >>> Position(0, 6) in positions, Position(0, 7) in positions, Position(1, 3) in positions
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


def without(ranges: Iterable[OffsetRange], positions: Iterable[Position]) -> tuple[OffsetRange, ...]:
    """What is left of ranges when single positions are taken out.

    >>> without([OffsetRange(0, 2, 5)], [Position(0, 3)])
    (OffsetRange(partition=0, start=2, end=3), OffsetRange(partition=0, start=4, end=5))
    """
    out: dict[int, list[int]] = {}
    for position in positions:
        out.setdefault(position.partition, []).append(position.offset)
    left: list[OffsetRange] = []
    for r in ranges:
        start = r.start
        for offset in sorted(o for o in out.get(r.partition, []) if r.start <= o < r.end):
            left.append(OffsetRange(r.partition, start, offset))
            start = offset + 1
        left.append(OffsetRange(r.partition, start, r.end))
    return tuple(r for r in left if r.start < r.end)


def taken_of(planned: Round) -> tuple[OffsetRange, ...]:
    """What a round has taken of its ranges: all that its planner did not leave out."""
    return without(planned.ranges, [left.position for left in planned.left_out if left.position is not None])


def range_of(position: Position) -> OffsetRange:
    """The range that covers one position.

    >>> range_of(Position(1, 3))
    OffsetRange(partition=1, start=3, end=4)
    """
    return OffsetRange(position.partition, position.offset, position.offset + 1)

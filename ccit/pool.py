"""The pool: accepted Samples that no round has used yet, as one reader of the samples topic sees them.

The topic is the pool; this is a view that can be thrown away and read again. It keeps arrival order, in which each
partition's own order is that of its offsets, so that any prefix is a range of offsets per partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ccit.records import OffsetRange, Pooled


class Pool:
    """Pooled samples in arrival order, without repeats."""

    def __init__(self) -> None:
        self._waiting: list[Pooled] = []
        self._known: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> Sequence[Pooled]:
        """The samples in arrival order; not a copy."""
        return self._waiting

    def add(self, pooled: Pooled) -> bool:
        """Take in a sample; False when its id is there already (a duplicate of an at-least-once writer)."""
        if pooled.sample.sample_id in self._known:
            return False
        self._known.add(pooled.sample.sample_id)
        self._waiting.append(pooled)
        return True

    def within(self, ranges: Iterable[OffsetRange]) -> list[Pooled]:
        """The waiting samples that lie in these ranges, by partition and offset."""
        bounds = {r.partition: r for r in ranges}
        inside = [
            p
            for p in self._waiting
            if (r := bounds.get(p.position.partition)) is not None and r.start <= p.position.offset < r.end
        ]
        return sorted(inside, key=lambda p: (p.position.partition, p.position.offset))

    def remove(self, used: Iterable[Pooled]) -> None:
        """Forget samples that a finished round has used; their ids stay known."""
        gone = {p.sample.sample_id for p in used}
        self._waiting = [p for p in self._waiting if p.sample.sample_id not in gone]

    def drop_partitions(self, partitions: Iterable[int]) -> None:
        """Forget partitions that another reader owns now; their samples will be read again if they come back."""
        lost = set(partitions)
        for pooled in self._waiting:
            if pooled.position.partition in lost:
                self._known.discard(pooled.sample.sample_id)
        self._waiting = [p for p in self._waiting if p.position.partition not in lost]


def ranges_of(chosen: Iterable[Pooled], start: Mapping[int, int]) -> tuple[OffsetRange, ...]:
    """The offset range per partition that a prefix of the pool covers.

    Parameters
    ----------
    start : Mapping[int, int]
        First offset that no round has used yet, per partition; the first chosen offset where it is not known.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for pooled in chosen:
        partition, offset = pooled.position.partition, pooled.position.offset
        first[partition] = min(first.get(partition, offset), offset)
        last[partition] = max(last.get(partition, offset), offset)
    return tuple(OffsetRange(p, start.get(p, first[p]), last[p] + 1) for p in sorted(last))


def joined(ranges: Iterable[OffsetRange]) -> tuple[OffsetRange, ...]:
    """Merge ranges that touch or overlap, per partition.

    >>> joined([OffsetRange(0, 0, 5), OffsetRange(0, 5, 9), OffsetRange(1, 2, 3)])
    (OffsetRange(partition=0, start=0, end=9), OffsetRange(partition=1, start=2, end=3))
    """
    merged: list[OffsetRange] = []
    for r in sorted(ranges, key=lambda r: (r.partition, r.start)):
        if merged and merged[-1].partition == r.partition and merged[-1].end >= r.start:
            merged[-1] = OffsetRange(r.partition, merged[-1].start, max(merged[-1].end, r.end))
        else:
            merged.append(r)
    return tuple(merged)

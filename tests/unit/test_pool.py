from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ccit.pool import Pool, joined, ranges_of
from ccit.records import OffsetRange
from tests.nouns import pooled

# The order in which a reader of several partitions gets its messages: each partition's own order is kept.
ARRIVALS = st.lists(st.integers(0, 2), max_size=40)
RANGES = st.lists(
    st.builds(
        lambda p, start, size: OffsetRange(p, start, start + size),
        st.integers(0, 1),
        st.integers(0, 20),
        st.integers(1, 5),
    ),
    max_size=10,
)


def pool_of(arrivals: list[int], gap: int = 1) -> Pool:
    """`gap` > 1 leaves holes between offsets, as transaction markers do."""
    pool, ends = Pool(), dict.fromkeys(range(3), 0)
    for number, partition in enumerate(arrivals):
        pool.add(pooled(number, partition, ends[partition]))
        ends[partition] += gap
    return pool


def offsets(ranges: list[OffsetRange] | tuple[OffsetRange, ...]) -> set[tuple[int, int]]:
    return {(r.partition, offset) for r in ranges for offset in range(r.start, r.end)}


@given(ARRIVALS, st.integers(0, 40), st.integers(1, 3))
def test_a_prefix_is_one_range_of_offsets_per_partition(arrivals: list[int], size: int, gap: int) -> None:
    pool = pool_of(arrivals, gap)
    prefix = list(pool.waiting[:size])
    ranges = ranges_of(prefix, {0: 0, 1: 0, 2: 0})
    assert [r.partition for r in ranges] == sorted({p.position.partition for p in prefix})
    within = pool.within(ranges)
    assert {p.sample.sample_id for p in within} == {p.sample.sample_id for p in prefix}
    assert within == sorted(within, key=lambda p: (p.position.partition, p.position.offset))


@given(ARRIVALS, st.lists(st.integers(1, 10), max_size=6))
def test_rounds_after_each_other_leave_no_hole_and_no_overlap(arrivals: list[int], sizes: list[int]) -> None:
    pool, start, used = pool_of(arrivals, gap=2), {0: 0, 1: 0, 2: 0}, set[tuple[int, int]]()
    for size in sizes:
        ranges = ranges_of(pool.waiting[:size], start)
        for r in ranges:
            assert r.start == start[r.partition]
            start[r.partition] = r.end
        assert not offsets(ranges) & used
        used |= offsets(ranges)
        pool.remove(pool.within(ranges))
    waiting = {(p.position.partition, p.position.offset) for p in pool.waiting}
    assert not waiting & used
    assert len(pool) == len(arrivals) - sum(min(s, n) for s, n in zip(sizes, _left(len(arrivals), sizes), strict=True))


def _left(total: int, sizes: list[int]) -> list[int]:
    left = []
    for size in sizes:
        left.append(total)
        total = max(0, total - size)
    return left


def test_a_range_begins_where_the_last_round_ended() -> None:
    """What was refused or repeated in between belongs to the round too, so that the offsets can be committed."""
    chosen = [pooled(1, offset=7), pooled(2, offset=9)]
    assert ranges_of(chosen, {0: 4}) == (OffsetRange(0, 4, 10),)
    assert ranges_of(chosen, {}) == (OffsetRange(0, 7, 10),)


def test_a_repeat_is_not_pooled_even_after_its_round() -> None:
    pool = Pool()
    assert pool.add(pooled(1, offset=0))
    assert not pool.add(pooled(1, offset=5))
    pool.remove(pool.within([OffsetRange(0, 0, 1)]))
    assert not pool.add(pooled(1, offset=6))
    assert len(pool) == 0


def test_a_partition_that_comes_back_is_read_again() -> None:
    pool = Pool()
    pool.add(pooled(1, partition=0, offset=0))
    pool.add(pooled(2, partition=1, offset=0))
    pool.drop_partitions([1])
    assert [p.sample.sample_id for p in pool.waiting] == ["s1"]
    assert pool.add(pooled(2, partition=1, offset=0))


@given(RANGES)
def test_joining_keeps_every_offset_and_no_two_touch(ranges: list[OffsetRange]) -> None:
    merged = joined(ranges)
    assert offsets(merged) == offsets(ranges)
    for left, right in pairwise(merged):
        assert left.partition < right.partition or left.end < right.start
    assert joined(merged) == merged

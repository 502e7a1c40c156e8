"""What every registered Planner must do."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.pool import Pool, ranges_of
from ccit.ports.rounds import Planner, PlannerContext, PoolChoice
from ccit.ports.selection import Scorer
from ccit.records import Pooled, Sample, Score
from tests.contract.registered import each, made
from tests.nouns import pooled

SIZE = 5
counts = st.integers(1, 12)
seeds = st.integers(0, 2**31)


class LengthScores:
    """Port `Scorer`: stands for the proxy that a planner may ask."""

    metric = "ifd"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        return [(Score("ifd", len(sample.response) / 100, "length"),) for sample in samples]


def planner_of(entry: Plugin, seed: int = 0) -> Planner:
    proxy: Scorer = LengthScores()
    made_of: Planner = made(entry, PlannerContext(SIZE, seed, proxy))
    return made_of


def pool_of(count: int) -> list[Pooled]:
    return [pooled(number, partition=number % 2, offset=number // 2) for number in range(count)]


def choice_of(entry: Plugin, count: int, seed: int = 0) -> PoolChoice:
    return planner_of(entry, seed).choose(pool_of(count))


@each("planner")
@given(count=counts, seed=seeds)
def test_what_is_taken_and_what_is_left_out_is_all_within_the_ranges(entry: Plugin, count: int, seed: int) -> None:
    pool, choice = Pool(), choice_of(entry, count, seed)
    for one in pool_of(count):
        pool.add(one)
    assert 1 <= choice.considered <= count
    inside = pool.within(ranges_of(pool.waiting[: choice.considered], {}))
    left = {one.sample_id for one in choice.left_out}
    assert left < {one.sample.sample_id for one in inside}  # it takes at least one
    assert len(left) == len(choice.left_out)
    assert len(inside) == choice.considered


@each("planner")
@given(count=counts, seed=seeds)
def test_a_planner_is_deterministic(entry: Plugin, count: int, seed: int) -> None:
    planner = planner_of(entry, seed)
    assert planner.choose(pool_of(count)) == planner.choose(pool_of(count)) == choice_of(entry, count, seed)


@each("planner")
def test_a_planner_speaks_under_its_own_name_and_gives_reasons(entry: Plugin) -> None:
    choice = choice_of(entry, 9)
    assert choice.planner == entry.kind
    assert all(one.reason for one in choice.left_out)


@each("planner")
def test_a_planner_travels_to_another_process(entry: Plugin) -> None:
    there = pickle.loads(pickle.dumps(planner_of(entry)))
    assert there.choose(pool_of(9)) == choice_of(entry, 9)

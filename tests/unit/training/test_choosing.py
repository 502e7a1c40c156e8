"""What a planner says is held against its port before a round is made of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ccit.errors import ConfigError
from ccit.pool import Pool
from ccit.ports.rounds import PoolChoice
from ccit.records import LeftOut, OffsetRange, Pooled, Position
from ccit.training.choosing import choose
from tests.nouns import pooled


class Says:
    """Port `Planner`: one choice, whatever waits."""

    def __init__(self, considered: int, *left: str) -> None:
        self._choice = PoolChoice("says", considered, tuple(LeftOut(name, "rule") for name in left))

    def choose(self, pool: Sequence[Pooled]) -> PoolChoice:
        return self._choice


def pool_of(count: int) -> Pool:
    pool = Pool()
    for number in range(count):
        pool.add(pooled(number, partition=number % 2, offset=number // 2))
    return pool


def test_all_within_the_ranges_is_taken_or_left_out_with_its_place() -> None:
    chosen = choose(pool_of(6), Says(4, "s1"), {0: 0, 1: 0})
    assert chosen.ranges == (OffsetRange(0, 0, 2), OffsetRange(1, 0, 2))
    assert list(chosen.samples) == ["s0", "s2", "s3"]
    assert chosen.left_out == (LeftOut("s1", "rule", Position(1, 0)),)


@pytest.mark.parametrize(
    "planner",
    [Says(0), Says(-1), Says(7), Says(2, "s0", "s1"), Says(2, "s4"), Says(2, "nobody's")],
    ids=["nothing", "less than nothing", "more than waits", "all left out", "one beyond", "one unknown"],
)
def test_a_planner_that_breaks_its_port_is_named(planner: Says) -> None:
    with pytest.raises(ConfigError, match=r"the planner 'says' .* \[rounds\.planner\]"):
        choose(pool_of(6), planner, {0: 0, 1: 0})

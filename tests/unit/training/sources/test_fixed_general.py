from __future__ import annotations

from ccit.ports.rounds import Draft, SourceContext
from ccit.training.sources.fixed_general import FixedGeneral
from tests.nouns import sample

ROWS = [sample(number) for number in range(30)]


def picked(count: int, seed: int = 0, training: int = 5) -> list[str]:
    source = FixedGeneral(FixedGeneral.Settings(file="a", count=count), SourceContext(seed, lambda _: ROWS))
    return [one.sample_id for one in source.pick(Draft(ROWS[:training], [], "round 1"))]


def test_so_many_whatever_the_size_of_the_round() -> None:
    assert len(picked(7)) == len(picked(7, training=1)) == 7
    assert len(picked(99)) == 30


def test_a_larger_set_holds_the_smaller_one() -> None:
    assert set(picked(7)) < set(picked(12))

from __future__ import annotations

from ccit.ports.rounds import Draft, SourceContext
from ccit.training.sources.replay import ReplaySource
from tests.nouns import sample

HISTORY = [sample(number, group="small" if number < 2 else "large") for number in range(40)]


def picked(ratio: float, training: int) -> list[str]:
    source = ReplaySource(ReplaySource.Settings(ratio=ratio), SourceContext(0, lambda _: []))
    return [one.group for one in source.pick(Draft(HISTORY[:training], HISTORY, "round 1"))]


def test_the_ratio_is_per_training_sample() -> None:
    assert len(picked(0.25, 40)) == 10
    assert picked(0.0, 40) == []


def test_a_small_group_is_not_drowned() -> None:
    assert picked(0.25, 40).count("small") == 2
    assert picked(0.1, 40).count("small") == 2


def test_no_more_than_there_is() -> None:
    assert len(picked(9.0, 40)) == 40

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ccit.ports.rounds import Draft, Past, SourceContext
from ccit.records import Sample
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings
from tests.nouns import sample

CONTEXT = SourceContext(seed=0, rows=lambda _: [])
HISTORY = [sample(number) for number in range(6)]


class All(EarlierSamples):
    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        return sorted(one.sample_id for one in eligible)[:wanted]


def picked(max_repeats: int, picks: dict[str, int], ratio: float = 9.0) -> list[str]:
    draft = Draft(HISTORY[:1], HISTORY, "round 1", Past(picks=picks))
    return [one.sample_id for one in All(EarlierSettings(ratio=ratio, max_repeats=max_repeats), CONTEXT).pick(draft)]


def test_what_was_picked_often_enough_is_not_picked_again() -> None:
    assert picked(2, {"s0": 1, "s1": 2, "s2": 3}) == ["s0", "s3", "s4", "s5"]


def test_without_a_bound_everything_may_come_again() -> None:
    assert len(picked(0, {"s0": 99})) == 6


def test_the_ratio_is_per_new_sample() -> None:
    assert len(picked(0, {}, ratio=2.0)) == 2


def test_a_subclass_says_how_it_draws() -> None:
    with pytest.raises(TypeError, match="drawn"):
        EarlierSamples(EarlierSettings(), CONTEXT)  # type: ignore[abstract]  # that it cannot be made is what is tested

from __future__ import annotations

from ccit.ports.selection import PolicyContext, Scored
from ccit.selection.policies.filter_lot import FilterLotPolicy
from tests.nouns import sample


def test_the_share_is_met_and_the_draw_is_no_one_elses() -> None:
    policy = FilterLotPolicy(FilterLotPolicy.Settings(share=0.3), PolicyContext(seed=0))
    choices = policy.choose([Scored(sample(n), ()) for n in range(4000)])
    assert abs(choices.count(None) / 4000 - 0.3) < 0.03  # four standard deviations
    assert set(choices) == {None, "over_budget"}


def test_all_checks_filter_unless_some_are_named() -> None:
    assert FilterLotPolicy(FilterLotPolicy.Settings(), PolicyContext(seed=0)).needs is None
    some = FilterLotPolicy.Settings(metrics=("length", "novelty"))
    assert FilterLotPolicy(some, PolicyContext(seed=0)).needs == ("length", "novelty")

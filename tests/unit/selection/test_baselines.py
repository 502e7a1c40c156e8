from __future__ import annotations

import pytest

from ccit.assembly import rule
from ccit.config import Config
from ccit.records import Reason, Sample
from ccit.selection.baselines import AcceptAll, RandomAtEqualTokens
from ccit.selection.thresholds import PaperThresholds


def numbered(count: int) -> list[Sample]:
    return [Sample(f"s{n}", f"r{n}", "ward", "en", "Why?", "Rest.") for n in range(count)]


def test_accept_all_accepts_all() -> None:
    assert all(AcceptAll().refuse(sample, {}) is None for sample in numbered(5))


def test_a_draw_is_the_same_for_a_seed_and_another_for_another() -> None:
    def drawn(seed: int) -> list[Reason | None]:
        return [RandomAtEqualTokens(0.5, seed).refuse(sample, {}) for sample in numbered(64)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_share_is_met() -> None:
    rule = RandomAtEqualTokens(0.3, seed=0)
    taken = sum(rule.refuse(sample, {}) is None for sample in numbered(4000))
    assert abs(taken / 4000 - 0.3) < 0.03  # four standard deviations


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_probability(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RandomAtEqualTokens(share, seed=0)


def test_a_configuration_names_the_rule() -> None:
    def rule_of(**selection: object) -> object:
        return rule(Config.model_validate({"selection": selection, "rounds": {"seed": 4}}))

    assert isinstance(rule_of(), PaperThresholds)
    assert isinstance(rule_of(rule="accept_all"), AcceptAll)
    drawn = rule_of(rule="random", random_share=0.5)
    assert isinstance(drawn, RandomAtEqualTokens)
    lot = RandomAtEqualTokens(0.5, seed=4)
    assert [drawn.refuse(s, {}) for s in numbered(64)] == [lot.refuse(s, {}) for s in numbered(64)]

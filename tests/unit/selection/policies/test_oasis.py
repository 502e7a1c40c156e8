from __future__ import annotations

import math

import pytest

from ccit.ports.selection import PolicyContext, Scored
from ccit.records import Score
from ccit.selection.policies.oasis import OasisPolicy
from tests.nouns import sample


def policy(**settings: float) -> OasisPolicy:
    return OasisPolicy(OasisPolicy.Settings.model_validate(settings), PolicyContext(seed=0))


def informativeness(surprise: float, novelty: float | None) -> float | None:
    scores = [Score("ppl_conditional", math.exp(surprise), "test")]
    scores += [] if novelty is None else [Score("novelty", novelty, "test")]
    return policy()._value(Scored(sample(), tuple(scores)))


def test_what_is_said_already_informs_less_and_a_copy_not_at_all() -> None:
    assert informativeness(2.0, 2.0) == pytest.approx(2.0), "there is nothing to compare with"
    assert informativeness(2.0, 0.25) == pytest.approx(0.5)
    assert informativeness(2.0, 0.0) == 0.0
    assert informativeness(2.0, None) == pytest.approx(2.0), "without the check"


@pytest.mark.parametrize("rest", [0.05, 0.3, 0.8])
def test_the_chances_add_up_to_the_share_and_rise(rest: float) -> None:
    reference = sorted((n * 37 % 101) / 50 for n in range(100))
    chance = policy(softness=0.5)._rule(reference, rest)
    chances = [chance(value) for value in reference]
    assert sum(chances) == pytest.approx(rest * 100, rel=1e-3)
    assert chances == sorted(chances)


def test_where_all_are_alike_each_has_the_same_chance() -> None:
    assert policy()._rule([1.0] * 30, 0.3)(1.0) == 0.3

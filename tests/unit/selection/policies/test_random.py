from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from ccit.ports.selection import PolicyContext, Scored
from ccit.selection.policies.random import RandomPolicy
from tests.nouns import sample


def drawn(share: float, seed: int, count: int) -> Sequence[str | None]:
    policy = RandomPolicy(RandomPolicy.Settings(share=share), PolicyContext(seed=seed))
    return policy.choose([Scored(sample(n), ()) for n in range(count)])


def test_a_draw_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert drawn(0.5, 1, 64) == drawn(0.5, 1, 64) != drawn(0.5, 2, 64)


def test_the_share_is_met() -> None:
    taken = sum(choice is None for choice in drawn(0.3, 0, 4000))
    assert abs(taken / 4000 - 0.3) < 0.03  # four standard deviations


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_probability(share: float) -> None:
    with pytest.raises(ValidationError, match="share"):
        RandomPolicy.Settings(share=share)

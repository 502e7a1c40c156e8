from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.records import Reason, Sample
from ccit.selection.baselines import AcceptAll, RandomAtEqualTokens, draw_to_budget


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


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 400), st.integers(0, 9))
def test_a_budget_is_filled_and_never_exceeded(tokens: list[int], budget: int, seed: int) -> None:
    rows = draw_to_budget(tokens, budget, seed)
    assert rows == sorted(set(rows)) == draw_to_budget(tokens, budget, seed)
    used = sum(tokens[row] for row in rows)
    left_out = [count for row, count in enumerate(tokens) if row not in rows]
    assert used <= budget
    assert not left_out or used + min(left_out) > budget

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ccit.models.low_rank import Update, factor_names, weighted_sum, weighted_sums

CLOSE = 1e-5  # float32 factors of numbers around 1


def update(seed: int, rank: int = 2, inner: int = 5, outer: int = 4) -> Update:
    generator = torch.Generator().manual_seed(seed)
    return Update(torch.randn(rank, inner, generator=generator), torch.randn(outer, rank, generator=generator))


def product(one: Update) -> torch.Tensor:
    return one.b @ one.a


@given(seed=st.integers(0, 99), share=st.floats(0.05, 0.95))
def test_where_the_rank_allows_it_the_sum_is_exact(seed: int, share: float) -> None:
    one, other = update(seed), update(seed + 1000)
    found = weighted_sum([(share, one), (1 - share, other)], rank=4)
    torch.testing.assert_close(product(found), share * product(one) + (1 - share) * product(other), atol=CLOSE, rtol=0)


@given(seed=st.integers(0, 99))
def test_a_cut_sum_is_off_by_the_singular_values_that_were_cut(seed: int) -> None:
    one, other = update(seed), update(seed + 1000)
    whole = (product(one) + product(other)).double()
    found = weighted_sum([(1.0, one), (1.0, other)], rank=2)
    assert found.a.shape == one.a.shape
    cut = torch.linalg.svdvals(whole)[2:].square().sum().sqrt()
    assert float((product(found) - whole).norm()) == pytest.approx(float(cut), abs=1e-4)


def test_it_is_not_the_average_of_the_factors() -> None:
    """Of an update and the same with both signs turned the mean is itself; the mean of the factors is nothing."""
    one = update(0)
    turned = Update(-one.a, -one.b)
    torch.testing.assert_close(product(weighted_sum([(0.5, one), (0.5, turned)], 2)), product(one), atol=CLOSE, rtol=0)


def test_of_one_update_alone_the_second_factor_is_scaled() -> None:
    one, nothing = update(0), Update(update(1).a, torch.zeros(4, 2))
    found = weighted_sum([(0.25, one), (0.75, nothing)], rank=2)
    assert torch.equal(found.a, one.a)
    assert torch.equal(found.b, 0.25 * one.b)
    assert not product(weighted_sum([(1.0, nothing)], rank=2)).any()


def test_a_sum_of_rank_one_in_factors_of_rank_three_is_filled_up_with_nothing() -> None:
    one, other = update(0, rank=1), update(1, rank=1)
    found = weighted_sum([(1.0, one), (1.0, other)], rank=3)
    assert found.a.shape == (3, 5)
    torch.testing.assert_close(product(found), product(one) + product(other), atol=CLOSE, rtol=0)


def test_all_updates_of_an_adapter_are_summed_and_nothing_is_changed_in_place() -> None:
    one = {"q.lora_A.w": torch.ones(1, 2), "q.lora_B.w": torch.ones(2, 1)}
    before = {name: tensor.clone() for name, tensor in one.items()}
    found = weighted_sums([(0.5, one), (1.5, one)], one)
    torch.testing.assert_close(found["q.lora_B.w"] @ found["q.lora_A.w"], torch.full((2, 2), 2.0))
    assert all(torch.equal(one[name], before[name]) for name in one)
    assert factor_names(["x", *one]) == [("q.lora_A.w", "q.lora_B.w")]


@given(seed=st.integers(0, 99), small=st.floats(1e-3, 1e-2))
def test_the_factors_stay_in_the_basis_of_the_first(seed: int, small: float) -> None:
    """A balanced update, summed with a small one: its A moves as little as the update does."""
    one = update(seed)
    balanced = weighted_sum([(0.5, one), (0.5, one)], rank=2)
    found = weighted_sum([(1.0, balanced), (small, update(seed + 1000))], rank=2)
    assert float((found.a - balanced.a).norm()) < 30 * small * float(balanced.a.norm())
    assert float((found.b - balanced.b).norm()) < 30 * small * float(balanced.b.norm())

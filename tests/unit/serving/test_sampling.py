from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.ports.serving import Sampling
from ccit.serving.sampling import Sampler

logit_lists = st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=40)


@settings(max_examples=100, deadline=None)
@given(logits=logit_lists)
def test_temperature_zero_takes_the_likeliest(logits: list[float]) -> None:
    tensor = torch.tensor(logits)
    assert Sampler(Sampling(1, temperature=0)).draw(tensor) == int(tensor.argmax())


@settings(max_examples=100, deadline=None)
@given(logits=logit_lists, temperature=st.floats(0, 2))
def test_any_temperature_draws_a_token(logits: list[float], temperature: float) -> None:
    drawn = Sampler(Sampling(1, temperature=temperature, seed=0)).draw(torch.tensor(logits))
    assert 0 <= drawn < len(logits)


@settings(max_examples=100, deadline=None)
@given(logits=logit_lists, seed=st.integers(-(2**63), 2**63 - 1), top_p=st.floats(0.01, 1))
def test_a_seed_decides(logits: list[float], seed: int, top_p: float) -> None:
    tensor, sampling = torch.tensor(logits), Sampling(1, temperature=1.3, top_p=top_p, seed=seed)
    first, again = Sampler(sampling), Sampler(sampling)
    assert [first.draw(tensor) for _ in range(5)] == [again.draw(tensor) for _ in range(5)]


@settings(max_examples=100, deadline=None)
@given(logits=logit_lists, top_p=st.floats(0.01, 0.99), seed=st.integers(0, 100))
def test_top_p_draws_from_the_smallest_set_that_holds_the_mass(logits: list[float], top_p: float, seed: int) -> None:
    tensor = torch.tensor(logits)
    drawn = Sampler(Sampling(1, top_p=top_p, seed=seed)).draw(tensor)
    probabilities = torch.softmax(tensor, -1)
    likelier = probabilities[probabilities > probabilities[drawn]].sum()
    assert float(likelier) < top_p + 1e-5


def test_draws_follow_the_probabilities() -> None:
    sampler = Sampler(Sampling(1, temperature=2.0, seed=0))
    logits = torch.tensor([0.2, 0.3, 0.5]).log() * 2
    counts = torch.bincount(torch.tensor([sampler.draw(logits) for _ in range(4000)]), minlength=3) / 4000
    assert torch.allclose(counts, torch.tensor([0.2, 0.3, 0.5]), atol=0.03)


def test_without_a_seed_draws_differ_and_the_global_state_is_left_alone() -> None:
    state = torch.get_rng_state()
    logits = torch.zeros(1000)
    draws = {tuple(Sampler(Sampling(1)).draw(logits) for _ in range(3)) for _ in range(5)}
    assert len(draws) > 1
    assert torch.equal(torch.get_rng_state(), state)

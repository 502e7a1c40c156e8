from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from ccit.ports.serving import Sampling
from ccit.serving.shaping import Shaping

lists = st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=30)


def shaped(logits: list[float], prompt: tuple[int, ...] = (), said: tuple[int, ...] = (), **wish: Any) -> list[float]:
    shaping = Shaping(Sampling(9, **wish), prompt, [1])
    for token in said:
        shaping.take(token)
    found: list[float] = shaping.shaped(torch.tensor(logits)).tolist()
    return found


def test_without_a_wish_nothing_is_touched() -> None:
    logits = torch.tensor([1.0, 2.0])
    assert Shaping(Sampling(9, temperature=0.3, top_p=0.5, seed=1), [0], [1]).shaped(logits) is logits


@settings(max_examples=50, deadline=None)
@given(logits=lists, k=st.integers(1, 40))
def test_top_k_keeps_the_k_likeliest_and_what_equals_the_last(logits: list[float], k: int) -> None:
    kept = [value for value in shaped(logits, top_k=k) if value > -math.inf]
    assert sorted(kept) == sorted(value for value in logits if value >= sorted(logits)[-min(k, len(logits))])


@settings(max_examples=50, deadline=None)
@given(logits=lists, share=st.floats(0.01, 1), temperature=st.floats(0.1, 2))
def test_min_p_keeps_what_is_likely_beside_the_likeliest(logits: list[float], share: float, temperature: float) -> None:
    found = shaped(logits, min_p=share, temperature=temperature)
    chances = torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, -1)
    for value, chance in zip(found, (chances / chances.max()).tolist(), strict=True):
        assert (value > -math.inf) == (chance >= share) or math.isclose(chance, share, rel_tol=1e-4)


def test_penalties_are_openais_and_the_papers() -> None:
    logits, said = [2.0, 2.0, 2.0, -2.0], (0, 0, 3)
    assert shaped(logits, said=said, presence_penalty=0.5) == [1.5, 2.0, 2.0, -2.5]
    assert shaped(logits, said=said, frequency_penalty=0.5) == [1.0, 2.0, 2.0, -2.5]
    assert shaped(logits, said=said, repetition_penalty=2.0) == [1.0, 2.0, 2.0, -4.0]
    assert shaped(logits, prompt=(2,), repetition_penalty=2.0) == [2.0, 2.0, 1.0, -2.0]
    assert shaped(logits, prompt=(2,), presence_penalty=0.5) == logits


def test_a_bias_is_added_and_no_end_comes_before_min_tokens() -> None:
    assert shaped([1.0, 2.0, 3.0], logit_bias=((0, 5.0), (2, -100.0))) == [6.0, 2.0, -97.0]
    assert shaped([1.0, 2.0, 3.0], said=(0,), min_tokens=2) == [1.0, -math.inf, 3.0]
    assert shaped([1.0, 2.0, 3.0], said=(0, 0), min_tokens=2) == [1.0, 2.0, 3.0]


def test_what_no_penalty_asks_about_is_not_counted() -> None:
    shaping = Shaping(Sampling(9, top_k=2), [3, 4], [1])
    with _Calls() as made:
        shaping.take(0)
    assert made.found == []


@pytest.mark.parametrize(
    ("wish", "prompt"),
    [
        ({"logit_bias": tuple((token, 1.0) for token in range(200))}, ()),
        ({"repetition_penalty": 1.5}, tuple(range(200))),
        ({"frequency_penalty": 0.5}, ()),
    ],
    ids=["biases", "a long prompt", "a long answer"],
)
def test_a_step_costs_as_much_however_many_tokens_it_is_about(wish: dict[str, Any], prompt: tuple[int, ...]) -> None:
    def calls(shaping: Shaping) -> list[tuple[Any, list[int]]]:
        shaping.shaped(logits)
        shaping.take(0)
        made = _Calls()
        with made:
            shaping.shaped(logits)
            shaping.take(0)
        return made.found

    logits = torch.zeros(200)
    few = Shaping(Sampling(9, **wish | ({"logit_bias": ((0, 1.0),)} if "logit_bias" in wish else {})), prompt[:1], [1])
    many = Shaping(Sampling(9, **wish), prompt, [1])
    for token in range(200):
        many.take(token)
    assert calls(few) == calls(many)


class _Calls(TorchFunctionMode):
    """Functions of torch that were called, each with how many numbers it took from Python."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[tuple[Any, list[int]]]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found.append((func, [len(part) for part in args if isinstance(part, list | tuple)]))
        return func(*args, **kwargs or {})

from __future__ import annotations

from typing import Literal

import pytest
import torch

from ccit.ports.training import MethodContext, TrainingStart
from ccit.training.methods.average import Average

A, B = "q.lora_A.w", "q.lora_B.w"


def averaged(other: Literal["incumbent", "base"], start: float) -> list[list[float]]:
    """The update of the average of one that is 4 along the first axis; it began at `start` along the second."""
    weights = {A: torch.tensor([[0.0, 1.0], [0.0, 0.0]]), B: torch.tensor([[start, 0.0], [0.0, 0.0]])}
    method = Average(Average.Settings(share=0.25, other=other), MethodContext("proxy", 0))
    method.prepare(TrainingStart(None, weights, [], {}))
    trained = {A: torch.tensor([[1.0, 0.0], [0.0, 0.0]]), B: torch.tensor([[4.0, 0.0], [0.0, 0.0]])}
    for name, tensor in trained.items():
        weights[name].copy_(tensor)
    found = method.adapter(weights)
    assert torch.equal(weights[B], trained[B])  # what was given is not changed
    product: list[list[float]] = (found[B] @ found[A]).tolist()
    return product


def test_with_the_incumbent_the_updates_are_averaged() -> None:
    """A quarter of 4 beside three quarters of 8."""
    assert averaged("incumbent", 8.0)[0] == pytest.approx([1.0, 6.0], abs=1e-6)


def test_with_the_base_the_update_is_scaled() -> None:
    assert averaged("base", 8.0)[0] == pytest.approx([1.0, 0.0])


def test_the_first_round_averages_with_the_base_either_way() -> None:
    assert averaged("incumbent", 0.0)[0] == pytest.approx([1.0, 0.0])

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, TrainingStart
from ccit.training.methods.synaptic_intelligence import SynapticIntelligence

SETTINGS = SynapticIntelligence.Settings(strength=2.0, damping=1.0)
CONTEXT = MethodContext("proxy", 0)


def gone(
    steps: Sequence[tuple[float, float]],
    killed: bool = False,
    files: dict[str, bytes] | None = None,
    averaged: float | None = None,
) -> bytes:
    """The file that a round leaves of a weight with these gradients and moves; the second step in another process.

    `averaged` is what another method makes of the weight in the end.
    """
    weight = torch.tensor([0.0])
    start = TrainingStart(None, {"a": weight}, [], files or {})
    method = SynapticIntelligence(SETTINGS, CONTEXT)
    method.prepare(start)
    for number, (gradient, move) in enumerate(steps):
        if killed and number == 1:
            state, reached = {name: tensor.clone() for name, tensor in method.state().items()}, weight.clone()
            method = SynapticIntelligence(SETTINGS, CONTEXT)
            weight.zero_()  # each process begins with the incumbent's weights
            method.prepare(start)
            method.load_state(state)
            weight.copy_(reached)
        weight.grad = torch.tensor([gradient])
        method.after_backward()
        weight.grad.mul_(0.1)  # clipping
        weight.add_(move)
        method.after_step()
    method.adapter({"a": weight})
    if averaged is not None:
        weight.fill_(averaged)
    return dict(method.finish())["memory.safetensors"]


def penalty(at: float, file: bytes) -> float:
    weight = torch.tensor([at])
    method = SynapticIntelligence(SETTINGS, CONTEXT)
    method.prepare(TrainingStart(None, {"a": weight}, [], {"memory.safetensors": file}))
    return float(method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), 1.0)))


def test_the_way_by_hand() -> None:
    """-(-2 * 1) - (-1 * 2) = 4 over 3^2 + 1, around 3."""
    file = gone([(-2.0, 1.0), (-1.0, 2.0)])
    assert penalty(5.0, file) == pytest.approx(0.4 * 4)
    assert penalty(3.0, file) == 0.0


def test_the_way_is_that_of_the_training_whatever_another_method_makes_of_it() -> None:
    """Importance 4 / (3^2 + 1) as above, held at the candidate's 1.5."""
    file = gone([(-2.0, 1.0), (-1.0, 2.0)], averaged=1.5)
    assert penalty(1.5, file) == 0.0
    assert penalty(3.5, file) == pytest.approx(0.4 * 4)


def test_a_way_that_raised_the_loss_is_not_important() -> None:
    assert penalty(9.0, gone([(2.0, 1.0)])) == 0.0


def test_it_goes_on_after_a_kill_where_it_was() -> None:
    steps = [(-2.0, 1.0), (-1.0, 2.0)]
    assert gone(steps, killed=True) == gone(steps)


def test_the_pull_of_the_penalty_itself_is_no_part_of_the_way() -> None:
    """Importance 0.4 around 3 pulls the weight at 0 with 2 * 0.4 * (0 - 3): no other gradient, nothing is added."""
    held = gone([(-2.0, 1.0), (-1.0, 2.0)])
    file = gone([(-2.4, 3.0)], files={"memory.safetensors": held})
    assert penalty(5.0, file) == pytest.approx(0.4 * 4)

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, TrainingStart
from ccit.training.methods.synaptic_intelligence import SynapticIntelligence

SETTINGS = SynapticIntelligence.Settings(strength=2.0, damping=1.0)
CONTEXT = MethodContext("proxy", 0)


def gone(steps: Sequence[tuple[float, float]], killed: bool = False, files: dict[str, bytes] | None = None) -> bytes:
    """The file that a round leaves of a weight with these gradients and moves; the second step in another process."""
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

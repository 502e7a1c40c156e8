from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MicroBatch, TrainingStart
from ccit.training.methods.quadratic import QuadraticPenalty


def test_the_penalty_its_gradient_and_the_file_by_hand() -> None:
    weight = torch.tensor([3.0, 1.0], requires_grad=True)
    first = QuadraticPenalty(strength=2.0)
    first.prepare(TrainingStart(None, {"a": weight}, [], {}))
    assert first.loss(torch.tensor(4.0), MicroBatch([], torch.ones(1), 1.0)).item() == 4.0  # nothing is held yet
    files = first.memory({"a": torch.tensor([0.5, 0.0])}, {"a": torch.tensor([1.0, 9.0])})
    method = QuadraticPenalty(strength=2.0)
    method.prepare(TrainingStart(None, {"a": weight}, [], files))
    loss = method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), 1.0))
    assert loss.item() == pytest.approx(0.5 * 4)  # 2 / 2 * 0.5 * (3 - 1)^2
    (gradient,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(gradient, torch.tensor([2.0, 0.0]))
    torch.testing.assert_close(method.penalty_gradient("a"), gradient)

from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, TrainingStart
from ccit.training.methods.l2_to_incumbent import L2ToIncumbent


def test_the_penalty_by_hand_and_its_gradient() -> None:
    """Distance (3, -4) from (1, 1): half of 0.1 * 25; the gradient is 0.1 times the distance."""
    weight = torch.tensor([1.0, 1.0], requires_grad=True)
    method = L2ToIncumbent(L2ToIncumbent.Settings(strength=0.1), MethodContext("deployed", 0))
    method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    with torch.no_grad():
        weight.add_(torch.tensor([3.0, -4.0]))
    parts = [method.loss(torch.tensor(1.0), MicroBatch([], torch.ones(1), share)) for share in (0.25, 0.75)]
    whole = torch.stack(parts).sum()
    assert whole.item() == pytest.approx(2.0 + 1.25)  # however the step is divided
    (gradient,) = torch.autograd.grad(whole, weight)
    torch.testing.assert_close(gradient, torch.tensor([0.3, -0.4]))


def test_where_nothing_has_moved_nothing_is_added() -> None:
    weight = torch.tensor([5.0])
    method = L2ToIncumbent(L2ToIncumbent.Settings(strength=7.0), MethodContext("deployed", 0))
    method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    assert float(method.loss(torch.tensor(1.0), MicroBatch([], torch.ones(1), 1.0))) == 1.0

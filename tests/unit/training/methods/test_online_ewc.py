from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, Tensors, TrainingStart
from ccit.training.methods.online_ewc import OnlineEwc


class Measured(OnlineEwc):
    """Every round's importance is 2."""

    def fisher(self) -> Tensors:
        return {"a": torch.tensor([2.0])}


def test_the_old_fades_and_the_last_weights_are_the_centre() -> None:
    """After two rounds 0.5 * 2 + 2 = 3, around where the second ended."""
    files: dict[str, bytes] = {}
    settings, context = OnlineEwc.Settings(strength=2.0, decay=0.5), MethodContext("proxy", 0)
    for end in (1.0, 5.0):
        weight, method = torch.tensor([0.0]), Measured(settings, context)
        method.prepare(TrainingStart(None, {"a": weight}, [], files))
        weight.fill_(end)
        files = dict(method.finish())
    weight, method = torch.tensor([5.0]), Measured(settings, context)
    method.prepare(TrainingStart(None, {"a": weight}, [], files))
    assert float(method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), 1.0))) == 0.0
    weight.fill_(7.0)
    assert float(method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), 1.0))) == pytest.approx(3 * 4)

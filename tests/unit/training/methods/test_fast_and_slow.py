from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, TrainingStart
from ccit.training.methods.fast_and_slow import FastAndSlow

A, B = "q.lora_A.w", "q.lora_B.w"


def a_round(incumbent: float, learned: float, files: dict[str, bytes]) -> tuple[float, float, dict[str, bytes]]:
    """One layer of one weight: where training began, the update that is deployed, and the files."""
    weights = {A: torch.tensor([[1.0]]), B: torch.tensor([[incumbent]])}
    method = FastAndSlow(FastAndSlow.Settings(rate=0.25), MethodContext("proxy", 0))
    method.prepare(TrainingStart(None, weights, [], files))
    began = float(weights[B])
    weights[B].add_(learned)
    slow = method.adapter(weights)
    return began, float(slow[B] @ slow[A]), dict(method.finish())


def test_the_slow_one_follows_and_the_fast_one_learns_on() -> None:
    began, slow, files = a_round(0.0, 8.0, {})
    assert (began, slow) == (0.0, 8.0)  # the first round makes both alike
    began, slow, files = a_round(slow, 4.0, files)
    assert [began, slow] == pytest.approx([8.0, 0.75 * 8 + 0.25 * 12])
    began, slow, _ = a_round(slow, 0.0, files)
    assert [began, slow] == pytest.approx([12.0, 0.75 * 9 + 0.25 * 12])

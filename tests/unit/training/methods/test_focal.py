from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch
from ccit.training.methods.focal import Focal


def loss_of(probabilities: list[float], gamma: float) -> float:
    losses = -torch.tensor(probabilities).log()
    method = Focal(Focal.Settings(gamma=gamma), MethodContext("proxy", 0))
    return float(method.loss(losses.mean(), MicroBatch([], losses, 1.0)))


def test_by_hand() -> None:
    """Probabilities 1/2 and 1: a quarter of log 2, and nothing."""
    assert loss_of([0.5, 1.0], gamma=2.0) == pytest.approx(0.25 * 0.6931472 / 2)


def test_the_exponent_0_changes_nothing() -> None:
    assert loss_of([0.5, 0.25], gamma=0.0) == pytest.approx(1.5 * 0.6931472)


def test_a_loss_a_little_below_zero_by_rounding_is_no_weight_below_zero() -> None:
    method = Focal(Focal.Settings(gamma=0.5), MethodContext("proxy", 0))
    assert method.weights_of(MicroBatch([], torch.tensor([-1e-7]), 1.0)).tolist() == [0.0]

from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, Tensors, TrainingStart
from ccit.training.methods.ewc import Ewc, sum_of_parabolas


class Measured(Ewc):
    """With an importance that is given, not measured."""

    def __init__(self, strength: float, importance: float) -> None:
        super().__init__(Ewc.Settings(strength=strength), MethodContext("proxy", 0))
        self._given = importance

    def fisher(self) -> Tensors:
        return {"a": torch.tensor([self._given])}


def after(start: float, end: float, importance: float, files: dict[str, bytes]) -> dict[str, bytes]:
    """What a round leaves that moved the one weight."""
    weight, method = torch.tensor([start]), Measured(2.0, importance)
    method.prepare(TrainingStart(None, {"a": weight}, [], files))
    weight.fill_(end)
    return dict(method.finish())


def penalty(at: float, files: dict[str, bytes]) -> float:
    weight, method = torch.tensor([0.0]), Measured(2.0, 0.0)
    method.prepare(TrainingStart(None, {"a": weight}, [], files))
    weight.fill_(at)
    parts = [method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), share)) for share in (0.25, 0.75)]
    return float(sum(parts))


def test_one_round_by_hand() -> None:
    """Importance 3 at 1: twice half of 3 * (1.5 - 1)^2."""
    assert penalty(1.5, after(0.0, 1.0, 3.0, {})) == pytest.approx(3 * 0.25)
    assert penalty(9.0, {}) == 0.0


def test_two_rounds_weigh_as_the_sum_of_both_up_to_a_constant() -> None:
    files = after(1.0, 4.0, 2.0, after(0.0, 1.0, 3.0, {}))

    def both(at: float) -> float:
        return 3 * (at - 1) ** 2 + 2 * (at - 4) ** 2

    for at in (-1.0, 2.0, 5.0):
        assert penalty(at, files) - penalty(0.0, files) == pytest.approx(both(at) - both(0.0), abs=1e-5)


def test_where_nothing_is_important_the_last_weights_are_the_centre() -> None:
    importance, centre = sum_of_parabolas(*(torch.tensor([number]) for number in (0.0, 5.0, 0.0, 7.0)))
    assert (float(importance), float(centre)) == (0.0, 7.0)

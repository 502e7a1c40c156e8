from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MethodContext, TrainingStart
from ccit.training.methods.ema import EmaMethod


def averaged(decay: float, values: list[float], killed_after: int | None = None) -> float:
    """The average over steps with these weights; a process may have been killed in between."""
    weight = torch.tensor([1.0])
    method = EmaMethod(EmaMethod.Settings(decay=decay), MethodContext("proxy", 0))
    method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    for step, value in enumerate(values):
        if step == killed_after:
            state = {name: tensor.clone() for name, tensor in method.state().items()}
            method = EmaMethod(EmaMethod.Settings(decay=decay), MethodContext("proxy", 0))
            method.prepare(TrainingStart(None, {"a": weight}, [], {}))
            method.load_state(state)
        weight.fill_(value)
        method.after_step()
    return float(method.adapter({"a": weight})["a"])


def test_the_average_by_hand() -> None:
    assert averaged(0.5, [3.0, 6.0]) == pytest.approx((0.5 * 3 + 6) / 1.5)
    assert averaged(0.5, [2.0, 4.0, 8.0]) == pytest.approx((0.25 * 2 + 0.5 * 4 + 8) / 1.75)
    assert averaged(0.0, [3.0, 6.0]) == 6.0
    assert averaged(0.9, [4.0]) == pytest.approx(4.0)


def test_it_goes_on_after_a_kill_where_it_was() -> None:
    assert averaged(0.7, [2.0, 4.0, 8.0], killed_after=2) == averaged(0.7, [2.0, 4.0, 8.0])


def test_before_the_first_step_there_is_nothing_to_average() -> None:
    assert averaged(0.7, []) == 1.0

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from ccit.ports.training import Example, MethodContext, MicroBatch, TrainingStart
from ccit.training.methods.uncertainty import Uncertainty
from tests.nouns import sample

EXAMPLES = [
    Example(sample(n), part, SimpleNamespace(response_tokens=tokens))
    for n, (part, tokens) in enumerate([("training", 2), ("general", 1)])
]


def prepared(rate: float = 0.5) -> Uncertainty:
    method = Uncertainty(Uncertainty.Settings(rate=rate), MethodContext("proxy", 0))
    method.prepare(TrainingStart(None, {}, EXAMPLES, {}))
    return method


def weights_after(steps: int, losses: list[float], rate: float = 0.5, divided: bool = False) -> list[float]:
    method = prepared(rate)
    nats = torch.tensor(losses)
    for _ in range(steps):
        if divided:
            method.weights_of(MicroBatch(EXAMPLES[1:], nats[2:], 1 / 3))
            method.weights_of(MicroBatch(EXAMPLES[:1], nats[:2], 2 / 3))
        else:
            method.weights_of(MicroBatch(EXAMPLES, nats, 1.0))
        method.after_step()
    found: list[float] = method.weights_of(MicroBatch(EXAMPLES, nats, 1.0)).tolist()
    return found


def test_a_step_by_hand() -> None:
    """Means 2 and 0.5 move the logarithms by -0.5 (1/2 - 2) and by nothing."""
    assert weights_after(0, [1.0, 3.0, 0.5]) == [1.0, 1.0, 1.0]
    assert weights_after(1, [1.0, 3.0, 0.5]) == pytest.approx([math.exp(-0.75)] * 2 + [1.0])
    assert weights_after(1, [1.0, 3.0, 0.5], divided=True) == pytest.approx(weights_after(1, [1.0, 3.0, 0.5]))


def test_in_the_end_a_weight_is_one_over_twice_the_loss() -> None:
    assert weights_after(400, [1.0, 3.0, 0.25], rate=0.1) == pytest.approx([0.25, 0.25, 2.0], rel=1e-3)


def test_a_task_that_is_not_in_a_step_keeps_its_weight() -> None:
    method = prepared()
    method.weights_of(MicroBatch(EXAMPLES[1:], torch.tensor([9.0]), 1.0))
    method.after_step()
    weights = method.weights_of(MicroBatch(EXAMPLES, torch.ones(3), 1.0)).tolist()
    assert weights[:2] == [1.0, 1.0]
    assert weights[2] < 0.1


def test_it_goes_on_after_a_kill_where_it_was() -> None:
    method, again = prepared(), prepared()
    method.weights_of(MicroBatch(EXAMPLES, torch.tensor([1.0, 3.0, 9.0]), 1.0))
    method.after_step()
    again.load_state({name: tensor.clone() for name, tensor in method.state().items()})
    batch = MicroBatch(EXAMPLES, torch.ones(3), 1.0)
    assert again.weights_of(batch).tolist() == method.weights_of(batch).tolist()

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import ccit.models.gradients
from ccit.models.encoding import Encoded
from ccit.ports.training import Example, MethodContext, TrainingStart
from ccit.records import Spend
from ccit.training.methods.a_gem import AGem, projected
from tests.nouns import sample

ROW = Encoded((1, 2, 3), 1)


def turned(gradient: list[float], old: list[float], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A step's gradient, with one sample in the memory that has another."""
    monkeypatch.setattr(ccit.models.gradients, "gradients_of", lambda *_: {"a": torch.tensor(old)})
    method = AGem(AGem.Settings(), MethodContext("proxy", 0))
    examples = [Example(sample(0), "training", ROW), Example(sample(1), "replay", ROW)]
    kept = method.examples(examples)
    assert [example.part for example in kept] == ["training"]
    weight = torch.zeros(2)
    method.prepare(TrainingStart(None, {"a": weight}, kept, {}))
    weight.grad = torch.tensor(gradient)
    method.after_backward()
    assert float(method.state()["tokens"]) == 2
    return weight.grad.tolist()


def test_a_step_against_the_old_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    """(1, -2) . (1, 1) = -1, so half of (1, 1) is added: nothing is left along (1, 1)."""
    assert turned([1.0, -2.0], [1.0, 1.0], monkeypatch) == [1.5, -1.5]


def test_a_step_that_helps_the_old_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert turned([1.0, 2.0], [1.0, 1.0], monkeypatch) == [1.0, 2.0]


def test_what_a_look_at_the_memory_costs_is_what_is_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two and five tokens, the last of each row not fed: no padding to the longer one."""
    monkeypatch.setattr(ccit.models.gradients, "gradients_of", lambda *_: {"a": torch.ones(1)})
    method = AGem(AGem.Settings(), MethodContext("proxy", 0))
    long = Encoded((1, 2, 3, 4, 5, 6), 1)
    rows = [("training", ROW), ("replay", ROW), ("replay", long)]
    kept = method.examples([Example(sample(n), part, row) for n, (part, row) in enumerate(rows)])
    weight = torch.zeros(1)
    method.prepare(TrainingStart(SimpleNamespace(parameters=10), {"a": weight}, kept, {}))
    weight.grad = torch.ones(1)
    method.after_backward()
    assert method.spent() == Spend.of_training(7, parameters=10)


def test_all_weights_count_together() -> None:
    """Against the old in one, with it in the other: together it is not against."""
    new, old = {"a": torch.tensor([-1.0]), "b": torch.tensor([2.0])}, {"a": torch.ones(1), "b": torch.ones(1)}
    assert projected(new, old) is new
    assert projected(new, {name: torch.zeros(1) for name in new}) is new


def test_without_a_memory_nothing_is_turned_and_without_others_the_memory_is_learned() -> None:
    method = AGem(AGem.Settings(), MethodContext("proxy", 0))
    only = [Example(sample(1), "replay", ROW)]
    assert method.examples(only) == only
    weight = torch.zeros(1)
    method.prepare(TrainingStart(None, {"a": weight}, only, {}))
    weight.grad = torch.tensor([-1.0])
    method.after_backward()
    assert weight.grad.tolist() == [-1.0]

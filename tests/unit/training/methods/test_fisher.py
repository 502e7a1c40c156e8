from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import ccit.models.gradients
from ccit.ports.training import Example, TrainingStart
from ccit.training.methods.fisher import FisherPenalty
from tests.nouns import sample

ROWS = [SimpleNamespace(fed=(1, 2, 3)) for _ in range(6)]


def measured(parts: list[str], samples: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], FisherPenalty]:
    """Which of the rows importance is measured on."""
    asked: list[object] = []

    def note(_model: object, rows: list[object], _weights: object) -> dict[str, object]:
        asked.extend(rows)
        return {}

    monkeypatch.setattr(ccit.models.gradients, "squared_gradients", note)
    examples = [Example(sample(n), part, ROWS[n]) for n, part in enumerate(parts)]
    method = FisherPenalty(1.0, samples, seed=0)
    model = SimpleNamespace(parameters=10)
    method.prepare(TrainingStart(model, {"a": torch.zeros(1)}, examples, {}))
    method.fisher()
    return sorted(next(n for n, own in enumerate(ROWS) if own is row) for row in asked), method


def test_the_rounds_own_samples_are_measured_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found, method = measured(["training", "replay", "training"], 9, monkeypatch)
    assert found == [0, 2]
    assert method.spent().tokens == 6
    assert method.spent().flops == 4 * 10 * 6


def test_a_few_of_many_are_drawn_and_without_own_ones_all_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(measured(["training"] * 6, 2, monkeypatch)[0]) == 2
    assert measured(["replay", "general"], 9, monkeypatch)[0] == [0, 1]

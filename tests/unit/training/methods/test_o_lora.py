from __future__ import annotations

import json

import pytest
import torch

from ccit.ports.training import MethodContext, MicroBatch, TrainingStart
from ccit.training.methods.o_lora import OLora

A, B = "q.lora_A.w", "q.lora_B.w"


def started(rounds: int, slots: int = 2, rank: int = 4) -> tuple[OLora, dict[str, torch.Tensor]]:
    weights = {A: torch.eye(rank, 3), B: torch.zeros(2, rank)}
    method = OLora(OLora.Settings(slots=slots, strength=1.0), MethodContext("proxy", 0))
    method.prepare(TrainingStart(None, weights, [], {"rounds.json": json.dumps(rounds).encode()} if rounds else {}))
    return method, weights


def moved(rounds: int) -> list[int]:
    """The directions that have a gradient left."""
    method, weights = started(rounds)
    gradients = {name: torch.ones_like(weight) for name, weight in weights.items()}
    for name, weight in weights.items():
        weight.grad = gradients[name]  # the same tensor: it is changed in place
    method.after_backward()
    rows = [row for row in range(4) if bool(gradients[A][row].any())]
    columns = [row for row in range(4) if bool(gradients[B][:, row].any())]
    assert rows == columns
    return rows


def test_each_round_has_the_next_slot_and_in_the_end_the_first_again() -> None:
    assert [moved(rounds) for rounds in range(3)] == [[0, 1], [2, 3], [0, 1]]


def overlap(rounds: int, new: list[float]) -> float:
    method, weights = started(rounds)
    weights[A][2] = torch.tensor(new)
    return float(method.loss(torch.tensor(0.0), MicroBatch([], torch.ones(1), 1.0)))


def test_the_overlap_by_hand() -> None:
    """The first slot is (1, 0, 0) and (0, 1, 0); rows 2 and 3 are the second's, and row 3 is nothing."""
    assert overlap(1, [3.0, 4.0, 7.0]) == pytest.approx(9 + 16)
    assert overlap(1, [0.0, 0.0, 7.0]) == 0.0
    assert overlap(0, [3.0, 4.0, 7.0]) == 0.0  # no round has been before


def test_more_slots_than_rank_are_as_many_as_there_are_directions() -> None:
    method, _ = started(5, slots=9)
    assert json.loads(method.finish()["rounds.json"]) == 6
    weight = torch.eye(4)
    weight.grad = torch.ones(4, 4)
    method.prepare(TrainingStart(None, {A: weight}, [], {"rounds.json": b"5"}))
    method.after_backward()
    assert weight.grad.sum(1).tolist() == [0.0, 4.0, 0.0, 0.0]

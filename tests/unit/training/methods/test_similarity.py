from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from ccit.ports.training import Example, MethodContext, MicroBatch
from ccit.training.methods.similarity import Similarity
from tests.nouns import sample

NEAR, FAR = [1.0, 0.0], [0.0, 1.0]


def batch(*parts_and_states: tuple[str, list[float]]) -> MicroBatch:
    """Examples of one token each."""
    examples = [
        Example(sample(n), part, SimpleNamespace(response_tokens=1)) for n, (part, _) in enumerate(parts_and_states)
    ]
    states = torch.tensor([state for _, state in parts_and_states])
    return MicroBatch(examples, torch.ones(len(examples)), 1.0, states)


def stepped(temperature: float = 1.0) -> Similarity:
    """After two steps in which the old part looked to the right: the second has both means."""
    method = Similarity(Similarity.Settings(temperature=temperature), MethodContext("proxy", 0))
    for _ in range(2):
        assert float(method.weights_of(batch(("replay", NEAR)))[0]) == pytest.approx(1.0)
        method.after_step()
    return method


def test_what_is_near_counts_e_times_what_is_far() -> None:
    """Cosines 1 and 0, over the usual e^1."""
    weights = stepped().weights_of(batch(("training", NEAR), ("training", FAR))).tolist()
    assert weights == pytest.approx([1.0, 1 / math.e])
    colder = stepped(temperature=0.5).weights_of(batch(("training", NEAR), ("training", FAR))).tolist()
    assert colder == pytest.approx([1.0, math.exp(-2)])


def test_all_weights_are_1_until_both_means_are_there() -> None:
    """After a first step there is a centre, and nobody knows yet what is usual."""
    method = Similarity(Similarity.Settings(), MethodContext("proxy", 0))
    method.weights_of(batch(("replay", NEAR)))
    method.after_step()
    assert method.weights_of(batch(("training", NEAR), ("training", FAR))).tolist() == [1.0, 1.0]


def test_the_usual_follows_by_a_tenth() -> None:
    method = stepped()
    method.weights_of(batch(("training", FAR)))
    method.after_step()  # from e to e + (1 - e) / 10
    found = method.weights_of(batch(("training", FAR))).tolist()
    assert found == pytest.approx([1 / (math.e + 0.1 * (1 - math.e))])


def test_without_that_part_all_count_alike() -> None:
    method = Similarity(Similarity.Settings(part="nobody's"), MethodContext("proxy", 0))
    for _ in range(3):
        assert method.weights_of(batch(("training", NEAR), ("replay", FAR))).tolist() == [1.0, 1.0]
        method.after_step()
    assert method.state() == {}

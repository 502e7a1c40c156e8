"""What every registered Batcher must do."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ccit.models.bucketing import packed_tokens, padded_tokens
from ccit.plugins import Plugin
from ccit.ports.training import Batcher, BatcherContext
from tests.contract.registered import each, made

lengths_of_samples = st.lists(st.integers(1, 60), max_size=40)
budgets = st.integers(1, 200)


def batcher_of(entry: Plugin, budget: int) -> Batcher:
    made_of: Batcher = made(entry, BatcherContext(budget))
    return made_of


@each("batcher")
@given(lengths=lengths_of_samples, budget=budgets)
def test_every_sample_is_in_one_micro_batch(entry: Plugin, lengths: list[int], budget: int) -> None:
    batches = batcher_of(entry, budget).batches(lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(batches)


@each("batcher")
@given(lengths=lengths_of_samples, budget=budgets)
def test_a_micro_batch_keeps_to_the_budget_unless_one_sample_is_longer(
    entry: Plugin, lengths: list[int], budget: int
) -> None:
    batcher = batcher_of(entry, budget)
    computed = packed_tokens if batcher.packs else padded_tokens
    for batch in batcher.batches(lengths):
        assert len(batch) == 1 or computed(lengths, [batch]) <= budget


@each("batcher")
@given(lengths=lengths_of_samples, budget=budgets)
def test_a_batcher_is_pure_and_travels_to_another_process(entry: Plugin, lengths: list[int], budget: int) -> None:
    batcher, given_lengths = batcher_of(entry, budget), list(lengths)
    first = batcher.batches(given_lengths)
    assert given_lengths == lengths
    assert batcher.batches(lengths) == first == pickle.loads(pickle.dumps(batcher)).batches(lengths)

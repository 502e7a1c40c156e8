from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.models.bucketing import packed_tokens
from ccit.ports.training import BatcherContext
from ccit.training.batchers.bucketed import BucketedBatcher
from ccit.training.batchers.packed import PackedBatcher

lengths_of_a_step = st.lists(st.integers(1, 400), min_size=1, max_size=16)


def batches(lengths: list[int], budget: int) -> list[list[int]]:
    return PackedBatcher(PackedBatcher.Settings(), BatcherContext(budget)).batches(lengths)


def test_a_step_that_fits_is_one_micro_batch_whatever_its_lengths() -> None:
    lengths = [300, 20, 280, 7, 150, 33]
    assert batches(lengths, 4096) == [[0, 2, 4, 5, 1, 3]]
    assert len(BucketedBatcher(BucketedBatcher.Settings(), BatcherContext(512)).batches(lengths)) > 2


@given(lengths=lengths_of_a_step)
def test_little_is_padding(lengths: list[int]) -> None:
    computed = packed_tokens(lengths, batches(lengths, 4096))
    assert sum(lengths) <= computed <= sum(length + max(3, length // 15) for length in lengths)

from __future__ import annotations

from ccit.ports.training import BatcherContext
from ccit.training.batchers.bucketed import BucketedBatcher


def test_samples_of_similar_length_meet() -> None:
    batcher = BucketedBatcher(BucketedBatcher.Settings(), BatcherContext(budget=60))
    assert batcher.batches([30, 10, 29, 9]) == [[0, 2], [1, 3]]
    assert batcher.batches([70, 10]) == [[0], [1]]

"""Which samples each optimiser step sees: seeded order, then micro-batches.

Pure, so the whole plan of a round is known before the first step: its length, its learning rates and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ccit.models.bucketing import packed_tokens, padded_tokens
from ccit.ports.training import Batcher
from ccit.training.mixture import training_order

Step = list[list[int]]  # micro-batches of sample indices


Reorder = Callable[[Sequence[int], int], Sequence[int]]


def plan_steps(
    lengths: Sequence[int],
    epochs: int,
    batch_size: int,
    batcher: Batcher,
    seed: int,
    reorder: Reorder | None = None,
) -> list[Step]:
    """Divide `epochs` passes over the samples into optimiser steps.

    Parameters
    ----------
    lengths : Sequence[int]
        Tokens of each sample.
    batch_size : int
        Samples per optimiser step; the last step of an epoch may have fewer.
    batcher : Batcher
        Divides a step into micro-batches.
    reorder : callable, optional
        Gets the shuffled order of an epoch and the epoch's number, and gives what is visited, and when.

    >>> from ccit.ports.training import BatcherContext
    >>> from ccit.training.batchers.bucketed import BucketedBatcher
    >>> batcher = BucketedBatcher(BucketedBatcher.Settings(), BatcherContext(budget=6))
    >>> plan_steps([3, 1, 3], epochs=1, batch_size=3, batcher=batcher, seed=0)
    [[[0, 2], [1]]]
    """
    steps: list[Step] = []
    for epoch in range(epochs):
        order: Sequence[int] = training_order(len(lengths), epoch, seed)
        order = order if reorder is None else reorder(order, epoch)
        for start in range(0, len(order), batch_size):
            chosen = sorted(order[start : start + batch_size])
            batches = batcher.batches([lengths[i] for i in chosen])
            steps.append([[chosen[i] for i in batch] for batch in batches])
    return steps


def planned_tokens(lengths: Sequence[int], steps: Sequence[Step], *, packed: bool = False) -> int:
    """Tokens that the model computes over all steps, padding included."""
    count = packed_tokens if packed else padded_tokens
    return sum(count(lengths, step) for step in steps)

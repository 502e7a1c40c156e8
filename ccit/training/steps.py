"""Which samples each optimiser step sees: seeded order, then micro-batches by token budget.

Pure, so the whole plan of a round is known before the first step: its length, its learning rates and what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from ccit.models.bucketing import bucket, padded_tokens
from ccit.training.mixture import training_order

Step = list[list[int]]  # micro-batches of sample indices


def plan_steps(lengths: Sequence[int], epochs: int, batch_size: int, batch_tokens: int, seed: int) -> list[Step]:
    """Divide `epochs` passes over the samples into optimiser steps.

    Parameters
    ----------
    lengths : Sequence[int]
        Tokens of each sample.
    batch_size : int
        Samples per optimiser step; the last step of an epoch may have fewer.
    batch_tokens : int
        Padded tokens per micro-batch.

    >>> plan_steps([3, 1, 3], epochs=1, batch_size=3, batch_tokens=6, seed=0)
    [[[0, 2], [1]]]
    """
    steps: list[Step] = []
    for epoch in range(epochs):
        order = training_order(len(lengths), epoch, seed)
        for start in range(0, len(order), batch_size):
            chosen = sorted(order[start : start + batch_size])
            batches = bucket([lengths[i] for i in chosen], batch_tokens)
            steps.append([[chosen[i] for i in batch] for batch in batches])
    return steps


def planned_tokens(lengths: Sequence[int], steps: Sequence[Step]) -> int:
    """Tokens that the model computes over all steps, padding included."""
    return sum(padded_tokens(lengths, step) for step in steps)

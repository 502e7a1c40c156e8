"""Batches by token budget: sequences of similar length together, so that little of a forward pass is padding.

Pure. Shared by training and evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence


def by_token_budget(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group sequences so that (rows x longest row) of each group stays within a budget.

    Parameters
    ----------
    lengths : Sequence[int]
        Tokens of each sequence.
    budget : int
        Tokens of a batch, padding included. A longer sequence gets a batch of its own.

    Returns
    -------
    list[list[int]]
        Indices into `lengths`, longest first: the first batch shows whether the memory suffices.

    >>> by_token_budget([5, 1, 4, 2], budget=8)
    [[0], [2, 3], [1]]
    """
    batches: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batches and (len(batches[-1]) + 1) * width <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
            width = lengths[index]
    return batches


def padded_tokens(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> int:
    """Tokens that a model computes for these batches, padding included.

    >>> padded_tokens([5, 1, 4, 2], [[0], [2, 3], [1]])
    14
    """
    return sum(len(batch) * max(lengths[i] for i in batch) for batch in batches if batch)

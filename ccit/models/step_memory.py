"""How many tokens a micro-batch may hold: arithmetic on a model's shape and on bytes.

Pure. The memory of a forward and backward pass grows in proportion to its tokens: what each layer keeps for its
gradient is most of it, beside weights, moments and a part of the logits, whose size does not depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass

FEWEST_TOKENS = 64
"""Of a micro-batch, whatever the memory: the least that `training.batch_tokens` may be."""
_STEP = 256  # a choice is a multiple of it, so that a few bytes more or less on a device change nothing
# What is allocated is less than what a device must have: blocks are cached and cut, and training methods take theirs.
MEMORY_SHARE = 0.85
_OPTIMISER_BYTES = 16  # of an adapter's weight: itself, its gradient and two moments of AdamW, float32 each


@dataclass(frozen=True, slots=True)
class StepMemory:
    """What a step takes: `fixed + per_token * tokens` bytes, with the tokens of a micro-batch.

    Example
    -------
    >>> StepMemory.through((100, 1_000), (300, 2_000))
    StepMemory(fixed=500.0, per_token=5.0)
    """

    fixed: float
    per_token: float

    @classmethod
    def through(cls, first: tuple[int, int], second: tuple[int, int]) -> StepMemory:
        """The line through two measurements, (tokens, bytes) each, the second of more tokens."""
        per_token = (second[1] - first[1]) / (second[0] - first[0])
        return cls(first[1] - per_token * first[0], per_token)

    @classmethod
    def estimated(cls, kept: int, features: int, rank: int, number_bytes: int) -> StepMemory:
        """From the shape of the adapted model alone.

        Parameters
        ----------
        kept : int
            Numbers that are kept of a token for the backward pass, over all blocks.
        features : int
            Inputs and outputs of all linear layers of the blocks together.
        rank : int
            Of the adapter.
        number_bytes : int
            Of a number of the model.

        Example
        -------
        >>> StepMemory.estimated(kept=40, features=40, rank=2, number_bytes=2)
        StepMemory(fixed=1280, per_token=80)
        """
        return cls(_OPTIMISER_BYTES * rank * features, number_bytes * kept)

    def plus(self, fixed: float) -> StepMemory:
        """With so many bytes more, whatever the tokens."""
        return StepMemory(self.fixed + fixed, self.per_token)


def fitting_tokens(step: StepMemory, available: float, most: int) -> int:
    """Tokens of the largest micro-batch whose step takes at most `MEMORY_SHARE` of the memory.

    Parameters
    ----------
    available : float
        Bytes that this process may use, with what it holds already.
    most : int
        Tokens beyond which a larger one is of no use.

    Returns
    -------
    int
        A multiple of 256, or `most`, where there is room for so many; never below `FEWEST_TOKENS`, which is also the
        answer where there is no room at all.

    Example
    -------
    >>> step = StepMemory(fixed=1e9, per_token=1e6)
    >>> [fitting_tokens(step, available, most=4000) for available in (1e9, 2e9, 3e9, 9e9)]
    [64, 512, 1536, 4000]
    """
    room = MEMORY_SHARE * available - step.fixed
    per_token = max(0.0, step.per_token)  # measured peaks may come out equal, or fall
    tokens = 0 if room < 0 else most if per_token * most <= room else int(room / per_token)
    if tokens < most:
        tokens -= tokens % (_STEP if tokens >= _STEP else FEWEST_TOKENS)
    return max(FEWEST_TOKENS, tokens)

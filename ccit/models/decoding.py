"""The decode loop: answers token by token, of many prompts at once or of one, by whatever rule the next token is drawn.

Each step costs one forward pass over one position per row. A loop owns all of its state (cache, rows), so any number of
them may run in parallel threads over one model.

Shape suffixes: R rows that go on, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from ccit.models.cached_prompts import CachedPrompts
from ccit.models.causal import end_tokens

Draw = Callable[[torch.Tensor], Sequence[int]]
"""The next token of each row, from logits (R, V)."""


def likeliest(logits_RV: torch.Tensor) -> list[int]:
    """The most probable token of each row: greedy decoding.

    >>> likeliest(torch.tensor([[0.1, 0.9], [0.7, 0.2]]))
    [1, 0]
    """
    tokens: list[int] = logits_RV.argmax(dim=-1).tolist()
    return tokens


def decode(run: CachedPrompts, draw: Draw, max_new_tokens: int) -> Iterator[dict[int, int | None]]:
    """Continue prompts step by step; an answer ends with its end token, without finite logits, or at the limit.

    Rows that have ended leave the batch once they are half of it.

    Parameters
    ----------
    run : CachedPrompts
        Fresh; it counts the tokens computed.
    draw : callable
        Asked once per step, for the rows still in the batch.

    Yields
    ------
    dict
        What each prompt that has not ended goes on with: its number -> a token id, the end token included, or None
        where the model's logits are not finite.
    """
    ends = end_tokens(run.causal)
    rows = list(range(len(run.logits_BV)))  # the prompt behind each row of the batch
    ended: set[int] = set()
    logits_RV = run.logits_BV
    for length in range(1, max_new_tokens + 1):
        # Entered anew for each step: the caller's thread must not stay in inference mode between them.
        with torch.inference_mode():
            finite_R = logits_RV.amax(dim=-1).isfinite()
            drawn = list(draw(logits_RV.where(finite_R[:, None], 0.0)))
        found = zip(rows, drawn, finite_R.tolist(), strict=True)
        step = {row: token if finite else None for row, token, finite in found if row not in ended}
        yield step
        ended |= {row for row, token in step.items() if token is None or token in ends}
        kept = [i for i, row in enumerate(rows) if row not in ended]
        if not kept or length == max_new_tokens:
            return
        if 2 * len(kept) <= len(rows):
            run.select(kept)
            rows, drawn = [rows[i] for i in kept], [drawn[i] for i in kept]
        with torch.inference_mode():
            logits_RV = run.causal.head.logits(run.extend([[token] for token in drawn]))

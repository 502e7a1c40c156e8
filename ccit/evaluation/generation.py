"""Free answers: greedy decoding of many prompts at once, with the three faults that a server would suffer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ccit.evaluation.prompts import RunPrompts
from ccit.models.causal import CausalModel, end_tokens


@dataclass(frozen=True, slots=True)
class Generated:
    """One free answer; faulty when it is empty, was cut by the token limit, or met a logit that is not finite."""

    text: str
    faulty: bool


@torch.inference_mode()
def greedy_answers(
    model: CausalModel, prompts: Sequence[Sequence[int]], max_new_tokens: int
) -> tuple[list[Generated], int]:
    """Answer every prompt with its most probable tokens, one after the other.

    Rows that have ended leave the batch once they are half of it.

    Returns
    -------
    tuple
        Answers in the order of `prompts`, and the tokens computed, padding included.
    """
    run, ends = RunPrompts(model, prompts), end_tokens(model)
    written: list[list[int]] = [[] for _ in prompts]
    faulty = [True] * len(prompts)  # until the answer has come to its end
    rows = list(range(len(prompts)))  # the prompt behind each row of the batch
    ended: set[int] = set()
    logits_RV = run.logits_BV
    for length in range(1, max_new_tokens + 1):
        best = logits_RV.max(dim=-1)
        for row, token, finite in zip(rows, best.indices.tolist(), best.values.isfinite().tolist(), strict=True):
            if row in ended:
                continue
            if not finite or token in ends:
                ended.add(row)
                faulty[row] = not finite
            else:
                written[row].append(token)
        if len(ended) == len(prompts) or length == max_new_tokens:
            break
        kept = [i for i, row in enumerate(rows) if row not in ended]
        next_R = best.indices
        if 2 * len(kept) <= len(rows):
            index_R = torch.tensor(kept, device=model.device)
            run.select(index_R)
            rows, next_R = [rows[i] for i in kept], next_R[index_R]
        logits_RV = run.extend(next_R[:, None], torch.ones_like(next_R[:, None]))
    texts = [model.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in written]
    return [Generated(text, bad or not text) for text, bad in zip(texts, faulty, strict=True)], run.tokens

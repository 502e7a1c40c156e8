"""Free answers: greedy decoding of many prompts at once, with the three faults that a server would suffer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.models.causal import CausalModel, end_tokens
from ccit.models.decoding import Batch, Row, likeliest
from ccit.models.paged_cache import BLOCK

_ENOUGH_MIB = 2**20  # the caller has chosen so many prompts that their keys and values fit


@dataclass(frozen=True, slots=True)
class Generated:
    """One free answer; faulty when it is empty, was cut by the token limit, or met a logit that is not finite."""

    text: str
    faulty: bool


def greedy_answers(
    model: CausalModel, prompts: Sequence[Sequence[int]], max_new_tokens: int
) -> tuple[list[Generated], int]:
    """Answer every prompt with its most probable tokens, one after the other.

    Returns
    -------
    tuple
        Answers in the order of `prompts`, and the tokens computed, padding included.
    """
    room = sum(len(prompt) + max_new_tokens + BLOCK for prompt in prompts)
    batch, ends = Batch(model, _ENOUGH_MIB, room, part=room), end_tokens(model)
    written: list[list[int]] = [[] for _ in prompts]
    faulty = [True] * len(prompts)  # until the answer has come to its end
    numbers = {_joined(batch, prompt, max_new_tokens): number for number, prompt in enumerate(prompts)}
    while batch.rows:
        for step in batch.passes():
            rows, logits = batch.run(step)
            for row, token in zip(rows, likeliest(logits), strict=True):
                number = numbers[row]
                if token is not None and token not in ends:
                    written[number].append(token)
                    row.append(token)
                faulty[number] = token not in ends
                if token is None or token in ends or len(written[number]) == max_new_tokens:
                    batch.leave(row)
    texts = [model.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in written]
    return [Generated(text, bad or not text) for text, bad in zip(texts, faulty, strict=True)], batch.computed


def _joined(batch: Batch, prompt: Sequence[int], max_new_tokens: int) -> Row:
    row = batch.join(prompt, len(prompt) + max_new_tokens - 1)
    assert row is not None, "there is room for all of them"
    return row

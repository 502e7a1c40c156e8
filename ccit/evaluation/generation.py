"""Free answers: greedy decoding of many prompts at once, with the three faults that a server would suffer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.models.cached_prompts import CachedPrompts
from ccit.models.causal import CausalModel, end_tokens
from ccit.models.decoding import decode, likeliest


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
    run, ends = CachedPrompts(model, prompts), end_tokens(model)
    written: list[list[int]] = [[] for _ in prompts]
    faulty = [True] * len(prompts)  # until the answer has come to its end
    for step in decode(run, likeliest, max_new_tokens):
        for prompt, token in step.items():
            if token in ends:
                faulty[prompt] = False
            elif token is not None:
                written[prompt].append(token)
    texts = [model.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in written]
    return [Generated(text, bad or not text) for text, bad in zip(texts, faulty, strict=True)], run.tokens

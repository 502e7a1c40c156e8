"""Samples as tokens: prompt and response, fitted into a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ccit.models.bucketing import fit
from ccit.models.causal import prompt_ids
from ccit.records import Sample

PROMPT_SHARE = 0.25  # of the token limit that a prompt keeps beside a response that would fill it all


@dataclass(frozen=True, slots=True)
class Encoded:
    """Prompt and response as token ids: the first `prompt_length`, at least one, carry no loss; the rest do."""

    ids: tuple[int, ...]
    prompt_length: int

    @property
    def fed(self) -> tuple[int, ...]:
        """The ids that a model reads: all but the last, which is a target only."""
        return self.ids[:-1]

    @property
    def response_tokens(self) -> int:
        """Tokens that carry loss."""
        return len(self.ids) - self.prompt_length


def encode(tokenizer: Any, sample: Sample, max_tokens: int) -> Encoded:
    """Chat prompt (history and instruction), response, end of text.

    What is longer than `max_tokens` loses the start of its prompt; a response that leaves less than `PROMPT_SHARE` of
    the limit to its prompt loses its own end, and with it the end of text.

    Parameters
    ----------
    max_tokens : int
        Tokens of prompt and response together.
    """
    prompt = prompt_ids(tokenizer, sample.messages())
    response = [*tokenizer(sample.response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    floor = max(1, int(max_tokens * PROMPT_SHARE))
    kept, answered = fit(len(prompt), len(response), max_tokens, floor)
    return Encoded((*prompt[len(prompt) - kept :], *response[:answered]), kept)

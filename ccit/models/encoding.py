"""Samples as tokens: prompt and response, fitted into a window."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import TemplateError

from ccit.errors import ModelUnusable
from ccit.models.bucketing import fit
from ccit.models.chat import ChatFormat
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


def encode(chat: ChatFormat, sample: Sample, max_tokens: int) -> Encoded:
    """Chat prompt (history and instruction), response, and the end that the template writes after an answer.

    What is longer than `max_tokens` loses the start of its prompt; a response that leaves less than `PROMPT_SHARE` of
    the limit to its prompt loses its own end, and with it the end of the turn.

    Parameters
    ----------
    max_tokens : int
        Tokens of prompt and response together.

    Raises
    ------
    ModelUnusable
        The chat template refuses the sample.
    """
    try:
        prompt, response = chat.prompt(sample.messages()), chat.turn(sample.response)
    except (TemplateError, ValueError, TypeError) as error:
        raise ModelUnusable(f"the chat template refuses the sample {sample.sample_id}: {error}") from error
    floor = max(1, int(max_tokens * PROMPT_SHARE))
    kept, answered = fit(len(prompt), len(response), max_tokens, floor)
    return Encoded((*prompt[len(prompt) - kept :], *response[:answered]), kept)

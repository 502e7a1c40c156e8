"""One request to a model, named by all that its answer depends on; and the answer, or that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ccit.errors import InputError
from ccit.records import digest_of

UNANSWERED = "unanswered"
"""Of a dead letter: the endpoint refused this request, or got through others and not through it."""


@dataclass(frozen=True, slots=True)
class RequestSampling:
    """Which model is asked, and how it draws its tokens."""

    model: str
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """One request.

    Parameters
    ----------
    messages : tuple of Mapping
        Role and content: the prompt with the record in it, and after a fault the reply and what was wrong with it.
    schema : Mapping
        JSON Schema of the reply.
    attempt : int
        How often the document was sent again by an operator: then the same question is a new one.

    Example
    -------
    >>> one = Request(RequestSampling("m"), ({"role": "user", "content": "Why?"},), {})
    >>> again = Request(RequestSampling("m"), ({"role": "user", "content": "Why?"},), {}, attempt=1)
    >>> one.digest == again.digest
    False
    """

    sampling: RequestSampling
    messages: tuple[Mapping[str, str], ...] = field(repr=False)
    schema: Mapping[str, Any] = field(repr=False)
    attempt: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of prompt, record, model, sampling and attempt."""
        drawn = self.sampling
        how = [drawn.model, drawn.max_tokens, drawn.temperature, drawn.seed, self.attempt]
        return digest_of([how, [dict(message) for message in self.messages], dict(self.schema)])

    @property
    def most_tokens(self) -> int:
        """Tokens that it may take at most: no token of a prompt is less than a byte; turns have a few of their own."""
        return self.sampling.max_tokens + sum(len(m["content"].encode("utf-8", "replace")) + 16 for m in self.messages)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    Parameters
    ----------
    finish_reason : str
        As the endpoint gives it: `stop` for an answer that ended by itself.
    refusal : str
        What it says where it does not want to answer.
    model : str
        Who says that it was it, which may name a version.
    tokens : int
        Prompt and completion together, as counted there; 0 where it does not count.
    lost : int
        Tokens that attempts before it may have taken at most which brought no answer, or not in time.
    """

    text: str = field(repr=False)
    finish_reason: str = "stop"
    refusal: str = field(default="", repr=False)
    model: str = ""
    tokens: int = 0
    lost: int = 0


class Unanswered(InputError):
    """There is no answer to this one request.

    Parameters
    ----------
    lost : int
        Tokens that asking may have taken, at most.
    """

    def __init__(self, detail: str, lost: int = 0) -> None:
        super().__init__(UNANSWERED, detail)
        self.lost = lost

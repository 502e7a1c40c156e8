"""What runs the versions that are served."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a request wants its tokens drawn.

    Parameters
    ----------
    max_tokens : int
        Tokens at most, at least 1.
    temperature : float
        0 takes the likeliest token; OpenAI's range is 0 to 2.
    top_p : float
        Draw from the smallest set of tokens that holds this probability, (0, 1].
    seed : int | None
        Equal seeds give equal answers of one version on one machine; None draws a fresh one.
    stop : tuple[str, ...]
        Texts at which to stop; they are not part of the answer.
    top_k : int
        Draw from so many of the likeliest tokens; 0 is no limit.
    min_p : float
        Draw from tokens at least so likely as this share of the likeliest one, at the request's temperature, 0 to 1.
    presence_penalty, frequency_penalty : float
        Taken off the logit of a token that the answer holds: once, and as often as it holds it; -2 to 2.
    repetition_penalty : float
        Logits of tokens of prompt and answer are divided by it where positive, and multiplied where negative, above 0;
        1 changes nothing (Keskar et al. 2019, arXiv 1909.05858).
    logit_bias : tuple[tuple[int, float], ...]
        Added to the logits of these token ids.
    min_tokens : int
        Before so many tokens no end of the answer is drawn.
    logprobs : int | None
        How many of the likeliest tokens to name beside each token made; None names nothing.
    json_schema : str | None
        The answer is a JSON text that this schema (itself as JSON) admits, as far as the token limit lets it get.
    forced : tuple[int, ...]
        Nothing is drawn: the answer is these `max_tokens` token ids, and `logprobs` say what the model thinks of them.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    min_tokens: int = 0
    logprobs: int | None = None
    json_schema: str | None = None
    forced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token as bytes (it may be half a character), and ln of the probability that the model itself gave it.

    Temperature, penalties and limits of the draw are not in it.
    """

    token: bytes
    value: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """The token that was drawn, and the likeliest ones in its place, the likeliest first."""

    chosen: Logprob
    likeliest: tuple[Logprob, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """What one token added.

    Parameters
    ----------
    text : str
        New text, often empty (half a character, or a possible stop text).
    tokens : int
        Tokens made so far.
    finish : str | None
        On the last one: `stop` (end of answer or stop text) or `length` (token limit).
    drawn : Drawn | None
        Where `logprobs` were asked for, but not for the end of the answer.
    """

    text: str
    tokens: int
    finish: Literal["stop", "length"] | None = None
    drawn: Drawn | None = None


@dataclass(frozen=True, slots=True)
class BackendContext:
    """What every backend may use: `load` gives the base model (`ccit.models.causal.CausalModel`) when it is called."""

    load: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """Blocks of a key-value cache: in all, of answers under way, and kept for prompts that begin alike."""

    number: int
    used: int
    kept: int


class Backend(Protocol):
    """Runs the versions that are served. Which one is active, and who uses which, is not its concern.

    Every method may be called from any thread; a stream belongs to the event loop that iterates it. Version 0 is the
    base model, held from the start.
    """

    @property
    def tokenizer(self) -> Any:
        """Of the base model."""

    @property
    def vocabulary(self) -> int:
        """Token ids are below this."""

    @property
    def context_length(self) -> int:
        """Positions of prompt and answer together."""

    def load(self, version: int, files: Mapping[str, bytes] | None) -> None:
        """Take a version in and try it out; None for one without an adapter.

        Raises `ModelUnusable`; everything is as it was then.
        """

    def unload(self, version: int) -> None:
        """Let a version go that nobody uses."""

    def stream(self, version: int, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Delta]:
        """The answer of one version to a prompt of token ids; the last Delta has a `finish`.

        Closing it ends the answer at once. Raises `ModelUnusable` where the version's numbers are not finite, and where
        an answer is to be weighed (`sampling.forced`) by a backend that cannot: it is never passed over.
        """

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
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


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
    """

    text: str
    tokens: int
    finish: Literal["stop", "length"] | None = None


@dataclass(frozen=True, slots=True)
class BackendContext:
    """What every backend may use: `load` gives the base model (`ccit.models.causal.CausalModel`) when it is called."""

    load: Callable[[], Any]


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

        Closing it ends the answer at once. Raises `ModelUnusable` where the version's numbers are not finite.
        """

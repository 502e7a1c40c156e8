"""`POST /v1/embeddings`: vectors of texts by the embedder that scores novelty."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccit.ports.vectors import Embedder, Vectors
from ccit.serving.protocol import unknown_model
from ccit.serving.refusals import RequestRefused, refuse_unknown, shortened

EMBEDDER = "embedder"
"""The name of the model."""
_MAX_TEXTS = 2048  # OpenAI's limit


class CountingEmbedder(Embedder, Protocol):
    """An embedder that knows how much of a text it reads."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""

    def unseen(self, texts: Sequence[str]) -> list[int]:
        """Of each text, how many of them lie beyond the model's window."""


class EmbeddingRequest(BaseModel):
    """What is to be embedded: a text or several."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    input: str | Annotated[list[str], Field(fail_fast=True, min_length=1, max_length=_MAX_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls, harmless=("user",))
        return values

    def texts(self) -> list[str]:
        """In order."""
        return [self.input] if isinstance(self.input, str) else self.input


class Embedding:
    """Answers one request at a time; the embedder is loaded when the first one comes.

    Parameters
    ----------
    load : Callable[[], CountingEmbedder]
        Takes seconds.
    """

    def __init__(self, load: Callable[[], CountingEmbedder]) -> None:
        self._load = load
        self._embedder: CountingEmbedder | None = None
        self._lock = threading.Lock()

    def answer(self, asked: EmbeddingRequest) -> dict[str, Any]:
        """The reply, as OpenAI's; blocks.

        Raises
        ------
        RequestRefused
            A text is empty or longer than what the model reads, or another size of vectors or another model is wanted.
        """
        if asked.model != EMBEDDER:
            raise unknown_model(f"the embeddings' model is {EMBEDDER!r} here, not {shortened(asked.model)}")
        texts = asked.texts()
        with self._lock:
            embedder = self._embedder = self._embedder or self._load()
            _require_readable(embedder, texts)
            if asked.dimensions not in (None, embedder.dimension):
                what = f"dimensions: vectors have {embedder.dimension} numbers here, not {asked.dimensions}"
                raise RequestRefused(400, what, "dimensions", "unsupported_value")
            tokens, vectors = sum(embedder.lengths(texts)), embedder.embed(texts)
        return {
            "object": "list",
            "data": _shown(vectors, asked.encoding_format),
            "model": EMBEDDER,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "ccit_stamp": embedder.stamp,
        }


def _require_readable(embedder: CountingEmbedder, texts: Sequence[str]) -> None:
    for number, (text, beyond) in enumerate(zip(texts, embedder.unseen(texts), strict=True)):
        if not text:
            raise RequestRefused(400, f"input.{number} is empty", f"input.{number}")
        if beyond:
            what = f"input.{number} has {beyond} tokens more than the embedder reads; send it in parts"
            raise RequestRefused(400, what, f"input.{number}", "context_length_exceeded")


def _shown(vectors: Vectors, form: str | None) -> list[dict[str, Any]]:
    if form == "base64":  # little-endian float32, as OpenAI's clients read it
        rows: list[Any] = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]
    else:
        rows = [row.tolist() for row in vectors]
    return [{"object": "embedding", "index": number, "embedding": row} for number, row in enumerate(rows)]

"""Embeddings, and what lies near what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ccit.records import Position, Spend

Vectors = npt.NDArray[np.float32]  # (n, d), rows of unit length


class Embedder(Protocol):
    """Sentence embeddings."""

    @property
    def stamp(self) -> str:
        """Names the model and its digest; vectors of different stamps are never compared."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def spent(self) -> Spend:
        """Tokens and FLOPs since the start."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, d), rounded to float16 precision, so that an event carries a vector's own bits.

        The same text embedded again, in a batch of another shape or on another machine, gives a vector that is near and
        not equal: a component moves by one rounding step of float16 at most, a cosine by less than 1e-4 (6e-5 and
        1.2e-5 were seen). Whoever needs the vector that a decision was made with keeps it; nobody embeds it again.
        """


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A sample near another: where it lies in the samples topic, None before it is there, and the cosine to it."""

    position: Position | None
    similarity: float


class SampleIndex(Protocol):
    """Nearest neighbours by cosine among everything pooled or trained, in one space of vectors."""

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log, in the order of `vectors`."""

    def vectors(self) -> Vectors:
        """All rows (n, d), as they were added."""

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add vectors (n, d); a position that is already there is skipped."""

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d), the most similar first, equally similar ones ordered by position;
        fewer where the index holds fewer.
        """

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop what `keep` refuses (a rollback undoes the rounds that a version was trained on)."""

    def __len__(self) -> int: ...


@runtime_checkable
class Lookup(SampleIndex, Protocol):
    """A SampleIndex that gives a sample's vector back by its position."""

    def at(self, positions: Sequence[Position]) -> Vectors:
        """The rows of these samples (n, d). Raises `KeyError` for one that is not there."""


class Neighbours(Protocol):
    """What a new sample is near to, among everything accepted so far."""

    def search(self, vectors: Vectors, k: int, space: str = "sample") -> list[tuple[Neighbour, ...]]:
        """As `SampleIndex.search` in one space; what is accepted but not in the log yet counts too, without a position.

        The spaces are those of `ccit/scoring/spaces.py` that a check asks for, and `sample`.
        """

    def at(self, positions: Sequence[Position], space: str) -> Vectors:
        """The vectors (n, d) of samples that a search found, in a space that is looked up (`ccit/scoring/spaces.py`).
        Raises `KeyError` for a position where none lies.
        """

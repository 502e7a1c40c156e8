"""What every index of rows shares: which rows it takes, and the order of what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Position


def require_rows(vectors: Vectors, positions: Sequence[Position], dimension: int) -> None:
    """Raise `ValueError` unless there is one vector of `dimension` numbers for each position."""
    if vectors.shape != (len(positions), dimension):
        raise ValueError(f"expected {len(positions)} vectors of {dimension} numbers, found shape {vectors.shape}")


def require_some(k: int) -> None:
    """Raise `ValueError` unless at least one neighbour is looked for."""
    if k < 1:
        raise ValueError(f"expected at least 1 neighbour to look for, found {k}")


def nearest_first(similarities: Iterable[float], positions: Iterable[Position]) -> tuple[Neighbour, ...]:
    """The most similar first, equally similar ones in the order of their positions.

    >>> [n.position.offset for n in nearest_first([0.5, 0.9, 0.9], [Position(0, 1), Position(0, 3), Position(0, 2)])]
    [2, 3, 1]
    """
    near = sorted(zip(similarities, positions, strict=True), key=lambda one: (-one[0], one[1].partition, one[1].offset))
    return tuple(Neighbour(position, float(similarity)) for similarity, position in near)

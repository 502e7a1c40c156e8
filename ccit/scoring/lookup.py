"""Vectors that are looked up by position: what a sample that was found in one space says in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Position
from ccit.scoring.rows import nearest_first, require_rows, require_some
from ccit.vectors import cosines


class LookupIndex:
    """2 d bytes per sample (float16 holds a vector's own bits), found by position at once; a search reads all rows.

    Parameters
    ----------
    dimension : int
        d, the length of a vector.

    Example
    -------
    >>> from ccit.vectors import quantise
    >>> index = LookupIndex(2)
    >>> index.add(quantise([[1.0, 0.0], [0.0, 1.0]]), [Position(0, 0), Position(0, 1)])
    >>> index.at([Position(0, 1)]).tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, dimension: int) -> None:
        self._row_of: dict[Position, int] = {}
        self._rows = np.zeros((0, dimension), dtype=np.float16)  # with room for more at its end

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log, in the order of `vectors`."""
        return tuple(self._row_of)

    def vectors(self) -> Vectors:
        """All rows (n, d), a copy."""
        return self._rows[: len(self)].astype(np.float32)

    def at(self, positions: Sequence[Position]) -> Vectors:
        """The rows of these samples (n, d). Raises `KeyError` for one that is not there."""
        return self._rows[[self._row_of[position] for position in positions]].astype(np.float32)

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add quantised vectors (n, d); a position that is already there is skipped."""
        require_rows(vectors, positions, self._rows.shape[1])
        for vector, position in zip(vectors, positions, strict=True):
            if position not in self._row_of:
                self._append(vector, position)

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d), the most similar first, equally similar ones ordered by position;
        fewer where the index holds fewer.
        """
        require_some(k)
        return [nearest_first(row.tolist(), self.positions)[:k] for row in cosines(vectors, self.vectors())]

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop the rows whose position `keep` refuses."""
        kept = [position for position in self._row_of if keep(position)]
        self._rows = self._rows[[self._row_of[position] for position in kept]]
        self._row_of = {position: row for row, position in enumerate(kept)}

    def _append(self, vector: Vectors, position: Position) -> None:
        if len(self) == len(self._rows):
            more = np.zeros((max(64, len(self)), self._rows.shape[1]), dtype=np.float16)
            self._rows = np.concatenate([self._rows, more])
        self._rows[len(self)] = vector
        self._row_of[position] = len(self)

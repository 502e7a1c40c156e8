"""Nearest neighbours by cosine among everything pooled or trained: an exact FAISS index over float16-rounded vectors.

FAISS finds the candidates in float32; their cosines are then computed exactly (`ccit/vectors.py`), so that the
answer depends neither on the shape of the query nor on the order of the rows.

It is never stored as a FAISS file, where a flipped bit can give silently different neighbours; see
`ccit/scoring/snapshot.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import faiss
import numpy as np
import numpy.typing as npt

from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Position
from ccit.scoring.rows import nearest_first, require_rows, require_some
from ccit.vectors import cosines

_MORE_CANDIDATES = (
    7  # asked for beyond the k wanted; doubled for the rare row whose k-th is too close to others to tell
)


class ExactIndex:
    """Exact search (`IndexFlatIP`): 4 d bytes per sample, and a query reads all of them.

    Parameters
    ----------
    dimension : int
        d, the length of a vector.

    Example
    -------
    >>> from ccit.vectors import quantise
    >>> index = ExactIndex(2)
    >>> index.add(quantise([[1.0, 0.0], [0.0, 1.0]]), [Position(0, 0), Position(0, 1)])
    >>> index.search(quantise([[1.0, 0.0], [0.0, 2.0]]), k=1)[1]
    (Neighbour(position=Position(partition=0, offset=1), similarity=1.0),)
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._index = faiss.IndexFlatIP(dimension)
        self._positions: list[Position] = []
        self._known: set[Position] = set()
        # A float32 dot product of d terms and unit rows is off by at most d 2^-24 (Higham 2002, eq. 3.5); two of them
        # can therefore change places only within twice that.
        self._slack = np.float32(2 * dimension * 2.0**-24)

    def __len__(self) -> int:
        return len(self._positions)

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add quantised vectors (n, d); a position that is already there is skipped."""
        require_rows(vectors, positions, self._dimension)
        fresh = []
        for row, position in enumerate(positions):
            if position not in self._known:
                self._known.add(position)
                self._positions.append(position)
                fresh.append(row)
        if fresh:
            self._index.add(np.ascontiguousarray(vectors[fresh], dtype=np.float32))

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d), the most similar first, equally similar ones ordered by position;
        fewer where the index holds fewer.
        """
        require_some(k)
        best: list[tuple[Neighbour, ...]] = [()] * len(vectors)
        open_rows = np.arange(len(vectors)) if self._positions else np.arange(0)
        wanted, asked = min(k, len(self)), min(k + _MORE_CANDIDATES, len(self))
        while len(open_rows):
            queries = np.ascontiguousarray(vectors[open_rows], dtype=np.float32)
            rough, found = self._index.search(queries, asked)
            for row, query, candidates in zip(open_rows, queries, found, strict=True):
                best[row] = self._exact(query, candidates)[:wanted]
            undecided = rough[:, -1] >= rough[:, wanted - 1] - self._slack
            open_rows = open_rows[undecided] if asked < len(self) else open_rows[:0]
            asked = min(2 * asked, len(self))
        return best

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop the rows whose position `keep` refuses; the index is built again from the others."""
        kept = [row for row, position in enumerate(self._positions) if keep(position)]
        if len(kept) == len(self):
            return
        vectors = self.vectors()[kept]
        self._index = faiss.IndexFlatIP(self._dimension)
        if kept:
            self._index.add(np.ascontiguousarray(vectors))
        self._positions = [self._positions[row] for row in kept]
        self._known = set(self._positions)

    def vectors(self) -> Vectors:
        """All rows (n, d), a copy, in the order of `positions`."""
        rows: Vectors = self._index.reconstruct_n(0, len(self)) if self._positions else self._none()
        return rows

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log; not a copy."""
        return self._positions

    def _exact(self, query: npt.NDArray[np.float32], candidates: npt.NDArray[np.int64]) -> tuple[Neighbour, ...]:
        """The candidates with their exact cosines, in order."""
        similarities = cosines(query[np.newaxis, :], self._rows(candidates))[0]
        return nearest_first(similarities, [self._positions[row] for row in candidates])

    def _rows(self, numbers: npt.NDArray[np.int64]) -> Vectors:
        rows: Vectors = self._index.reconstruct_batch(np.ascontiguousarray(numbers))
        return rows

    def _none(self) -> Vectors:
        return np.zeros((0, self._dimension), dtype=np.float32)

"""Nearest neighbours among millions: an inverted file, whose rows lie in clusters of which a query reads a few.

What is found depends on the set of rows alone, not on the order in which they came, so a scorer that reads the topic
anew finds what the others find. For that the clusters are trained on the rows that come first in the log, by offset
and then by partition: from `first` of them, from four times as many once there are so many, and so on. They are trained
anew when that number grows, or when a row joins or leaves those first ones: at the start, and after a rollback.

FAISS finds candidates among codes of one byte per component; their cosines are then exact, as in
`ccit/scoring/index.py`. So a cosine that is found is right, and a neighbour may be missed: figures in
`benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Position
from ccit.scoring.rows import nearest_first, require_rows, require_some
from ccit.vectors import cosines

_CLUSTERS = 1.0  # times the square root of the rows they are trained on
_PROBED = 8  # clusters that a query reads
_CANDIDATES = 32  # beyond the k wanted, whose cosines are computed exactly
_ITERATIONS, _ROWS_PER_CLUSTER = 6, 32  # of k-means: more made no neighbour less likely to be missed
_SEED = 7
_HALF = np.float16

_Place = tuple[int, int]  # offset, partition: the order of the log


class ClusteredIndex:
    """Approximate search: 3 d bytes per sample, and a query reads a share of the rows that falls as they grow.

    Parameters
    ----------
    dimension : int
        d, the length of a vector.
    first : int
        Rows that the first clusters are trained from.

    Example
    -------
    >>> from ccit.vectors import quantise
    >>> index = ClusteredIndex(2, first=2)
    >>> index.add(quantise([[1.0, 0.0], [0.0, 1.0]]), [Position(0, 0), Position(0, 1)])
    >>> index.search(quantise([[0.0, 2.0]]), k=1)
    [(Neighbour(position=Position(partition=0, offset=1), similarity=1.0),)]
    """

    def __init__(self, dimension: int, first: int) -> None:
        self._dimension = dimension
        self._first = first
        self._store = np.empty((0, dimension), dtype=_HALF)  # exact: rows are float16-rounded; grows by halves
        self._positions: list[Position] = []
        self._known: set[Position] = set()
        self._clusters: _Clusters | None = None  # None: trained before the next search

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log; not a copy."""
        return self._positions

    def vectors(self) -> Vectors:
        """All rows (n, d), a copy, in the order of `positions`."""
        return self._rows.astype(np.float32)

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add quantised vectors (n, d); a position that is already there is skipped."""
        require_rows(vectors, positions, self._dimension)
        fresh = []
        for row, position in enumerate(positions):
            if position not in self._known:
                self._known.add(position)
                self._positions.append(position)
                fresh.append(row)
        if not fresh:
            return
        rows = vectors[fresh]
        self._append(rows)
        earliest = min(_place(positions[row]) for row in fresh)
        if self._clusters is not None and self._clusters.still_hold(len(self), earliest):
            self._clusters.index.add(np.ascontiguousarray(rows))
        else:
            self._clusters = None

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d) that are found, the most similar first, equally similar ones in the order of
        their positions; fewer where the index holds fewer.
        """
        require_some(k)
        if not len(vectors) or not self._positions:
            return [()] * len(vectors)
        if self._clusters is None:
            self._clusters = _Clusters.trained(self._rows, self._positions, self._first)
        _, found = self._clusters.index.search(np.ascontiguousarray(vectors, dtype=np.float32), k + _CANDIDATES)
        return [
            self._exact(query, candidates[candidates >= 0])[:k]
            for query, candidates in zip(vectors, found, strict=True)
        ]

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop the rows whose position `keep` refuses; the clusters are trained anew from the others."""
        kept = [row for row, position in enumerate(self._positions) if keep(position)]
        if len(kept) == len(self):
            return
        self._store = self._rows[kept]
        self._positions = [self._positions[row] for row in kept]
        self._known = set(self._positions)
        self._clusters = None

    @property
    def _rows(self) -> npt.NDArray[np.float16]:
        return self._store[: len(self._positions)]

    def _append(self, rows: Vectors) -> None:
        """To the store, after `_positions` has grown already."""
        size = len(self._positions)
        if size > len(self._store):
            roomy = np.empty((size + size // 2, self._dimension), dtype=_HALF)
            roomy[: size - len(rows)] = self._store[: size - len(rows)]
            self._store = roomy
        self._store[size - len(rows) : size] = rows

    def _exact(self, query: npt.NDArray[np.float32], candidates: npt.NDArray[np.int64]) -> tuple[Neighbour, ...]:
        """The candidates with their exact cosines, in order."""
        similarities = cosines(query[np.newaxis, :], self._rows[candidates].astype(np.float32))[0]
        return nearest_first(similarities, [self._positions[row] for row in candidates])


@dataclass(frozen=True, slots=True)
class _Clusters:
    """An inverted file of all rows, and which rows it was trained on."""

    index: faiss.IndexIVFScalarQuantizer
    size: int  # rows that it is to be trained on, of which there may be fewer
    last: _Place  # of these

    @classmethod
    def trained(cls, rows: npt.NDArray[np.float16], positions: Sequence[Position], first: int) -> _Clusters:
        """Learn clusters from the first rows of the log, and put all rows into them."""
        size = first
        while 4 * size <= len(rows):
            size *= 4
        places = np.asarray([_place(position) for position in positions], dtype=np.int64)
        earliest = np.lexsort((places[:, 1], places[:, 0]))[:size]
        count = max(1, int(_CLUSTERS * math.sqrt(len(earliest))))
        stride = max(1, len(earliest) // (count * _ROWS_PER_CLUSTER))
        sample = rows[earliest[::stride]].astype(np.float32)
        index = _inverted_file(sample, count)
        for start in range(0, len(rows), size):
            index.add(rows[start : start + size].astype(np.float32))
        offset, partition = places[earliest[-1]]
        return cls(index, size, (int(offset), int(partition)))

    def still_hold(self, rows: int, added: _Place) -> bool:
        """Whether they would be trained on the same rows now that there are so many, and this the first one added."""
        return self.size <= self.index.ntotal and rows < 4 * self.size and added > self.last


def _inverted_file(sample: Vectors, count: int) -> faiss.IndexIVFScalarQuantizer:
    """Empty, its cells and codes trained on a sample; seeded, so that equal samples give equal cells."""
    dimension = sample.shape[1]
    learning = faiss.Clustering(dimension, count)
    learning.niter, learning.seed, learning.spherical = _ITERATIONS, _SEED, True
    learning.min_points_per_centroid, learning.max_points_per_centroid = 1, _ROWS_PER_CLUSTER
    cells = faiss.IndexFlatIP(dimension)
    learning.train(sample, cells)
    kind = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(cells, dimension, count, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    index.nprobe = _PROBED
    return index


def _place(position: Position) -> _Place:
    return position.offset, position.partition

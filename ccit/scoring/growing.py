"""One index for every size: exact while it is small, clustered when it is large."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Position
from ccit.scoring.clustered import ClusteredIndex
from ccit.scoring.index import ExactIndex


class GrowingIndex:
    """Up to `exact_up_to` rows nothing is ever missed; beyond, see `ccit/scoring/clustered.py`.

    Parameters
    ----------
    exact_up_to : int
        Rows up to which the search is exact.

    Example
    -------
    >>> len(GrowingIndex(384, exact_up_to=50_000))
    0
    """

    def __init__(self, dimension: int, exact_up_to: int) -> None:
        self._dimension = dimension
        self._exact_up_to = exact_up_to
        self._index: ExactIndex | ClusteredIndex = ExactIndex(dimension)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log; not a copy."""
        return self._index.positions

    def vectors(self) -> Vectors:
        """All rows (n, d), a copy, in the order of `positions`."""
        return self._index.vectors()

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add quantised vectors (n, d); a position that is already there is skipped."""
        if len(self) + len(positions) > self._exact_up_to:
            self._turn(ClusteredIndex(self._dimension, self._exact_up_to))
        self._index.add(vectors, positions)
        self._shrink()  # positions that were there already do not count

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d); above `exact_up_to` rows, those that are found."""
        return self._index.search(vectors, k)

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop the rows whose position `keep` refuses."""
        self._index.retain(keep)
        self._shrink()

    def _shrink(self) -> None:
        if len(self) <= self._exact_up_to:
            self._turn(ExactIndex(self._dimension))

    def _turn(self, into: ExactIndex | ClusteredIndex) -> None:
        """Go on as another kind of index, with the same rows."""
        if type(into) is not type(self._index):
            into.add(self._index.vectors(), self._index.positions)
            self._index = into

"""What has been accepted so far: the digests and vectors that duplicates and novelty are judged by.

Accepted samples of a batch are *pending* until their transaction is committed:

    stage    the batch's accepted samples are known, but have no position in the log yet
    commit   their positions are known: they stay
    abort    the transaction failed: they are gone, as if never decided

A rollback *sets aside* what only the abandoned versions were trained on: it counts no longer, but is kept, because a
rollback forward brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccit.ports.vectors import Lookup, Neighbour, SampleIndex, Vectors
from ccit.records import Position
from ccit.scoring.spaces import SAMPLE
from ccit.vectors import cosines

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted sample that is not committed yet."""

    sample_id: str
    digest: str
    vectors: Mapping[str, Vector]  # space -> (d,)


class AdmittedSamples:
    """Digests and vectors of everything pooled or trained, and of what is pending.

    Parameters
    ----------
    indexes : Mapping[str, SampleIndex]
        Space (`ccit/scoring/spaces.py`) -> what holds the committed vectors; all spaces hold the same samples.

    Example
    -------
    >>> from ccit.scoring.index import ExactIndex
    >>> from ccit.vectors import quantise
    >>> admitted = AdmittedSamples({"sample": ExactIndex(2)})
    >>> admitted.stage(Pending("s1", "d1", {"sample": quantise([[1.0, 0.0]])[0]}))
    >>> "d1" in admitted
    True
    >>> admitted.abort()
    >>> "d1" in admitted
    False
    """

    def __init__(self, indexes: Mapping[str, SampleIndex]) -> None:
        self._indexes = dict(indexes)
        self._digests: dict[str, set[Position]] = {}
        self._pending: list[Pending] = []
        self._aside: dict[Position, tuple[str, Mapping[str, Vector]]] = {}

    def __contains__(self, digest: str) -> bool:
        return digest in self._digests or any(p.digest == digest for p in self._pending)

    def __len__(self) -> int:
        return len(self._positions) + len(self._pending)

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces in which samples are kept."""
        return tuple(self._indexes)

    def open(self, space: str, index: SampleIndex) -> None:
        """Keep a further space, while nothing is known yet. Raises `ValueError` where something is."""
        if len(self):
            raise ValueError(f"expected no samples yet where the space {space!r} is opened, found {len(self)} samples")
        self._indexes.setdefault(space, index)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Accepted, not committed, in the order of acceptance."""
        return tuple(self._pending)

    def digests(self) -> dict[Position, str]:
        """Where each sample was committed, and its content digest."""
        return {position: digest for digest, positions in self._digests.items() for position in positions}

    def search(self, vectors: Vectors, k: int, space: str = SAMPLE) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d) of a space, among all that is committed or pending, most similar first."""
        found = self._indexes[space].search(vectors, k)
        if not self._pending or not len(vectors):
            return found
        waiting = cosines(vectors, np.stack([p.vectors[space] for p in self._pending]))
        joined = [
            [*near, *(Neighbour(None, float(similarity)) for similarity in row)]
            for near, row in zip(found, waiting, strict=True)
        ]
        return [tuple(sorted(row, key=lambda near: -near.similarity)[:k]) for row in joined]

    def at(self, positions: Sequence[Position], space: str) -> Vectors:
        """The vectors (n, d) of committed samples in a space that is looked up. Raises `KeyError` for what is not."""
        index = self._indexes[space]
        if not isinstance(index, Lookup):
            raise KeyError(f"the space {space!r} is searched, not looked up")
        return index.at(positions)

    def stage(self, accepted: Pending) -> None:
        """Count an accepted sample in, for now."""
        self._pending.append(accepted)

    def commit(self, positions: Mapping[str, Position]) -> None:
        """Make everything pending permanent.

        Parameters
        ----------
        positions : Mapping[str, Position]
            Sample id -> its position in the samples topic, for each pending sample.

        Raises
        ------
        ValueError
            A pending sample has no position; nothing has changed then.
        """
        missing = [p.sample_id for p in self._pending if p.sample_id not in positions]
        if missing:
            raise ValueError(f"expected a position for each accepted sample, found none for {missing[0]!r}")
        for accepted in self._pending:
            self.add(accepted.digest, accepted.vectors, positions[accepted.sample_id])
        self._pending.clear()

    def abort(self) -> None:
        """Forget everything pending."""
        self._pending.clear()

    def add(self, digest: str, vectors: Mapping[str, Vector], position: Position) -> None:
        """Take in a sample read from the samples topic: a rebuild, or another scorer's. Idempotent by position."""
        self.add_all([digest], {space: vector[np.newaxis, :] for space, vector in vectors.items()}, [position])

    def add_all(self, digests: Sequence[str], vectors: Mapping[str, Vectors], positions: Sequence[Position]) -> None:
        """`add` for many rows at once, with vectors (n, d) of each space: what a snapshot holds.

        What is set aside stays so.
        """
        fresh = [row for row, position in enumerate(positions) if position not in self._aside]
        for space, index in self._indexes.items():
            index.add(vectors[space][fresh], [positions[row] for row in fresh])
        for row in fresh:
            self._digests.setdefault(digests[row], set()).add(positions[row])

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Count what `keep` accepts and nothing else: the rest is set aside until a later call accepts it.

        A rollback undoes the rounds of the versions it leaves. Pending samples stay.
        """
        returning = {position: row for position, row in self._aside.items() if keep(position)}
        rows = [row for row, position in enumerate(self._positions) if not keep(position)]
        if rows:
            positions, vectors, digests = list(self._positions), self._vectors(), self.digests()
            for row in rows:
                own = {space: kept[row] for space, kept in vectors.items()}
                self._aside[positions[row]] = (digests[positions[row]], own)
            for index in self._indexes.values():
                index.retain(keep)
            kept = {digest: {p for p in positions if keep(p)} for digest, positions in self._digests.items()}
            self._digests = {digest: positions for digest, positions in kept.items() if positions}
        for position, (digest, came_back) in returning.items():
            del self._aside[position]
            self.add(digest, came_back, position)

    def rows(self) -> tuple[tuple[Position, ...], tuple[str, ...], Mapping[str, Vectors]]:
        """Positions, digests and each space's vectors (n, d) of all that is committed, set aside or not: what a
        snapshot holds.
        """
        counted = self.digests()
        positions = (*self._positions, *self._aside)
        digests = [counted[p] if p in counted else self._aside[p][0] for p in positions]
        vectors = self._vectors()
        if self._aside:
            for space, counting in vectors.items():
                aside = np.stack([own[space] for _, own in self._aside.values()])
                vectors[space] = np.concatenate([counting, aside])
        return positions, tuple(digests), vectors

    @property
    def _positions(self) -> Sequence[Position]:
        """Where the rows lie, in the order that all spaces share."""
        return next(iter(self._indexes.values())).positions

    def _vectors(self) -> dict[str, Vectors]:
        return {space: index.vectors() for space, index in self._indexes.items()}

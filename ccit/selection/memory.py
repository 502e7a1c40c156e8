"""What has been accepted so far: the digests and vectors that duplicates and novelty are judged by.

Accepted samples of a batch are *pending* until their transaction is committed:

    stage    the batch's accepted samples are known, but have no place in the log yet
    commit   their places are known: they stay
    abort    the transaction failed: they are gone, as if never decided

A rollback *sets aside* what only the abandoned versions learnt: it counts no longer, but is kept, because a rollback
forward brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccit.ports import Neighbour, SampleIndex, Vectors
from ccit.records import Position
from ccit.vectors import cosines


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted sample that is not committed yet."""

    sample_id: str
    digest: str
    vector: npt.NDArray[np.float32]  # (d,)


class Memory:
    """Digests and vectors of everything pooled or trained, and of what is pending.

    Parameters
    ----------
    index : SampleIndex
        Holds the committed vectors.

    Example
    -------
    >>> from ccit.scoring.index import ExactIndex
    >>> from ccit.vectors import quantise
    >>> memory = Memory(ExactIndex(2))
    >>> memory.stage(Pending("s1", "d1", quantise([[1.0, 0.0]])[0]))
    >>> "d1" in memory
    True
    >>> memory.abort()
    >>> "d1" in memory
    False
    """

    def __init__(self, index: SampleIndex) -> None:
        self._index = index
        self._digests: dict[str, set[Position]] = {}
        self._pending: list[Pending] = []
        self._aside: dict[Position, tuple[str, npt.NDArray[np.float32]]] = {}

    def __contains__(self, digest: str) -> bool:
        return digest in self._digests or any(p.digest == digest for p in self._pending)

    def __len__(self) -> int:
        return len(self._index) + len(self._pending)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Accepted, not committed, in the order of acceptance."""
        return tuple(self._pending)

    def digests(self) -> dict[Position, str]:
        """Where each sample was committed, and its content digest."""
        return {position: digest for digest, places in self._digests.items() for position in places}

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d) among all that is committed or pending, the most similar first."""
        found = self._index.search(vectors, k)
        if not self._pending or not len(vectors):
            return found
        waiting = cosines(vectors, np.stack([p.vector for p in self._pending]))
        joined = [
            [*near, *(Neighbour(None, float(similarity)) for similarity in row)]
            for near, row in zip(found, waiting, strict=True)
        ]
        return [tuple(sorted(row, key=lambda near: -near.similarity)[:k]) for row in joined]

    def stage(self, accepted: Pending) -> None:
        """Count an accepted sample in, for now."""
        self._pending.append(accepted)

    def commit(self, positions: Mapping[str, Position]) -> None:
        """Make everything pending permanent.

        Parameters
        ----------
        positions : Mapping[str, Position]
            Sample id -> its place in the samples topic, for each pending sample.

        Raises
        ------
        ValueError
            A pending sample has no position; nothing has changed then.
        """
        missing = [p.sample_id for p in self._pending if p.sample_id not in positions]
        if missing:
            raise ValueError(f"expected a position for each accepted sample, found none for {missing[0]!r}")
        for accepted in self._pending:
            self.learn(accepted.digest, accepted.vector, positions[accepted.sample_id])
        self._pending.clear()

    def abort(self) -> None:
        """Forget everything pending."""
        self._pending.clear()

    def learn(self, digest: str, vector: npt.NDArray[np.float32], position: Position) -> None:
        """Take in a sample read from the samples topic: a rebuild, or another scorer's. Idempotent by position."""
        self.learn_all([digest], vector[np.newaxis, :], [position])

    def learn_all(self, digests: Sequence[str], vectors: Vectors, positions: Sequence[Position]) -> None:
        """`learn` for many rows at once: vectors (n, d); what a snapshot holds. What is set aside stays so."""
        fresh = [row for row, position in enumerate(positions) if position not in self._aside]
        self._index.add(vectors[fresh], [positions[row] for row in fresh])
        for row in fresh:
            self._digests.setdefault(digests[row], set()).add(positions[row])

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Count what `keep` accepts and nothing else: the rest is set aside until a later call accepts it.

        A rollback undoes the rounds of the versions it leaves. Pending samples stay.
        """
        returning = {position: row for position, row in self._aside.items() if keep(position)}
        rows = [row for row, position in enumerate(self._index.positions) if not keep(position)]
        if rows:
            positions, vectors, digests = self._index.positions, self._index.vectors(), self.digests()
            self._aside.update({positions[row]: (digests[positions[row]], vectors[row]) for row in rows})
            self._index.retain(keep)
            kept = {digest: {p for p in places if keep(p)} for digest, places in self._digests.items()}
            self._digests = {digest: places for digest, places in kept.items() if places}
        for position, (digest, vector) in returning.items():
            del self._aside[position]
            self.learn(digest, vector, position)

    def rows(self) -> tuple[tuple[Position, ...], tuple[str, ...], Vectors]:
        """Positions, digests and vectors (n, d) of all that is committed, set aside or not: what a snapshot holds."""
        counted = self.digests()
        positions = (*self._index.positions, *self._aside)
        digests = [counted[p] if p in counted else self._aside[p][0] for p in positions]
        vectors = self._index.vectors()
        if self._aside:
            vectors = np.concatenate([vectors, np.stack([vector for _, vector in self._aside.values()])])
        return positions, tuple(digests), vectors

"""What checks of a nearest neighbour share: scores outside of an admission, where nothing of a batch is pending."""

from __future__ import annotations

from collections.abc import Sequence

from ccit.ports.selection import CheckContext, NeighbourCheck
from ccit.records import Sample, Score
from ccit.scoring.spaces import vectors_in


def against_accepted(
    check: NeighbourCheck, samples: Sequence[Sample], context: CheckContext
) -> list[tuple[Score, ...]]:
    """The check's Scores of each sample, compared with what was accepted before the batch."""
    if not samples:
        return []
    vectors = vectors_in(check.space, samples, context.embedder)
    found = context.neighbours.search(vectors, 1, check.space)
    return [
        check.scored(sample, near[0].similarity if near else -1.0) for sample, near in zip(samples, found, strict=True)
    ]

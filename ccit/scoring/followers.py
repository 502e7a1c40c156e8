"""Several readers of the proxy as one, so that they follow its versions together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from ccit.errors import CcitError
from ccit.ports.selection import ProxyScorer
from ccit.records import Sample, Score, Spend, Version


class Followers:
    """The proxy scorers of all checks; with none of them the version's number is all that moves.

    Parameters
    ----------
    base : Version
        What scores at the start: the proxy without an adapter.
    """

    metric = "proxy"

    def __init__(self, scorers: Sequence[ProxyScorer], base: Version) -> None:
        self._scorers = scorers
        self._active = base

    @property
    def version(self) -> int:
        """Number of the version that scores now."""
        return self._active.number

    @property
    def spent(self) -> Spend:
        """Tokens and FLOPs since the start, of all together."""
        return sum((scorer.spent for scorer in self._scorers), Spend())

    def activate(self, version: Version) -> None:
        """Move all of them, or none: where one refuses, those that had moved go back.

        Raises
        ------
        ArtifactDamaged, ModelUnusable
            The version active so far then goes on scoring.
        """
        moved: list[ProxyScorer] = []
        try:
            for scorer in self._scorers:
                scorer.activate(version)
                moved.append(scorer)
        except CcitError:
            for scorer in moved:
                scorer.activate(self._active)
            raise
        self._active = version

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """All their Scores."""
        each = [scorer.score(samples) for scorer in self._scorers]
        return [tuple(chain.from_iterable(scores[n] for scores in each)) for n in range(len(samples))]

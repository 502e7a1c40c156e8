"""The oldest samples, and all of them: the paper's rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import PlannerContext, PoolChoice
from ccit.records import Pooled


@plugin("planner")
class OldestFirst:
    """Takes the oldest `rounds.size` samples of the pool and leaves none of them out.

    Lin et al. 2025, arXiv 2503.15924: a round is made of what came since the last one.

    Example
    -------
    >>> from ccit.records import Position, Sample
    >>> samples = [Sample(name, name, "ward", "en", "Dose?", "5 mg.") for name in ("s0", "s1", "s2")]
    >>> pool = [Pooled(sample, Position(0, offset), 0.0) for offset, sample in enumerate(samples)]
    >>> OldestFirst(OldestFirst.Settings(), PlannerContext(size=2, seed=0)).choose(pool)
    PoolChoice(planner='oldest_first', considered=2, left_out=())
    """

    class Settings(PluginSettings):
        """Nothing to set: the size of a round is `rounds.size`."""

        kind: Literal["oldest_first"] = "oldest_first"

    def __init__(self, settings: Settings, context: PlannerContext) -> None:
        self._size = context.size

    def choose(self, pool: Sequence[Pooled]) -> PoolChoice:
        """What of the waiting samples, the oldest first, the next round is made of."""
        return PoolChoice("oldest_first", min(len(pool), self._size))

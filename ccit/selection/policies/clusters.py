"""A little of everything: what many write about is drawn less often than what few do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.selection import PolicyContext, Reasons, Scored
from ccit.scoring.languages import language_of
from ccit.selection.policies.compared import Compared, ComparedSettings
from ccit.selection.policies.filter_surprise import in_proportion
from ccit.selection.reference import Reference


@plugin("policy")
class ClustersPolicy(Compared[Reference]):
    """Draws what no check refused, the less of a cluster the more of the stream it is.

        chance = min(1, c * frequency ** -evenness),   frequency of its cluster in the reference

    with c such that a `share` is taken in all. With `evenness` 1 every cluster gives about as many; with 0 it is a draw
    by lot; 0.5 is the square root by which corpora are often balanced (Mikolov et al. 2013, arXiv 1310.4546). The check
    `cluster` gives the clusters and must be on; those of each language are counted apart.

    Example
    -------
    >>> policy = ClustersPolicy(ClustersPolicy.Settings(evenness=1.0), PolicyContext(seed=0))
    >>> chance = policy._rule([3.0] * 90 + [7.0] * 10, rest=0.1)  # of each ten samples, one is to be taken
    >>> round(chance(3.0), 3), round(chance(7.0), 3), round(chance(8.0), 3)
    (0.056, 0.5, 1.0)
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    reasons: ClassVar[Reasons] = {
        "cluster_is_common": ("Of a common topic", "nothing is wrong with it; left out by lot, as many say the like")
    }

    class Settings(ComparedSettings):
        """How even."""

        kind: Literal["clusters"] = "clusters"
        evenness: float = Field(0.5, ge=0, le=1, description="0 draws by lot, 1 takes as many of every cluster")

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        super().__init__(settings, context, Reference())
        self._evenness = settings.evenness

    def _value(self, scored: Scored) -> float | None:
        return scored.value("cluster")

    def _stratum(self, scored: Scored) -> str:
        return language_of(scored.sample)

    def _rule(self, reference: Sequence[float], rest: float) -> Callable[[float], float]:
        counts, total = Counter(reference), len(reference)

        def size(cluster: float) -> float:
            return float((max(counts[cluster], 1) / total) ** -self._evenness)

        chance = in_proportion(sorted(map(size, reference)), rest)
        return lambda cluster: chance(size(cluster)) if counts[cluster] else 1.0

    def _left_out(self) -> str:
        return "cluster_is_common"

"""Does it say something that is neither pooled nor trained already?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.novelty import novelty_score
from ccit.scoring.spaces import SPACES
from ccit.selection.reasons import UNSCORED


@plugin("check")
class NoveltyCheck:
    """Refuses a sample that lies too near to one that is pooled or was trained on.

    novelty = 1 - cosine to the nearest of them: 0 for a copy, 1 for what is unrelated, 2 where there is nothing to
    compare with (Lin et al. 2025, arXiv 2503.15924).

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = NoveltyCheck(NoveltyCheck.Settings(max_similarity=0.9), check_context())
    >>> [check.refuse(check.scored(similarity)[0]) for similarity in (0.95, 0.9, 0.85)]
    ['not_novel', 'not_novel', None]
    """

    metric: ClassVar[str] = "novelty"
    cost: ClassVar[float] = 10.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {
        "not_novel": ("Not novel", "says nearly what is already in the pool or was trained on")
    }

    class Settings(PluginSettings):
        """How near is too near."""

        kind: Literal["novelty"] = "novelty"
        max_similarity: float = Field(
            0.95, ge=-1, le=1, description="cosine to the nearest pooled or trained sample at which one is not novel"
        )
        space: Literal["sample", "question"] = Field(
            "sample",
            description="what of two samples is compared: `sample` is question and answer, `question` the question "
            "alone; each with the earlier turns",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self.space = settings.space
        self._max_similarity = settings.max_similarity
        self._embedder = context.embedder
        self._neighbours = context.neighbours

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `novelty` per sample, against what was accepted before the batch."""
        if not samples:
            return []
        vectors = self._embedder.embed([SPACES[self.space](sample) for sample in samples])
        found = self._neighbours.search(vectors, 1, self.space)
        return [self.scored(near[0].similarity if near else -1.0) for near in found]

    def scored(self, similarity: float) -> tuple[Score, ...]:
        """`novelty` for the highest cosine to anything accepted; -1 where there is nothing."""
        return (novelty_score(similarity, self._embedder.stamp, self.space),)

    def refuse(self, score: Score) -> str | None:
        """`not_novel` from `max_similarity` on."""
        if score.value is None:
            return UNSCORED
        return "not_novel" if 1.0 - score.value >= self._max_similarity else None

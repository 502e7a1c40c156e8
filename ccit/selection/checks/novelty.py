"""Does it say something that is neither pooled nor trained already?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.languages import unknown_language
from ccit.scoring.novelty import novelty_score
from ccit.scoring.spaces import SPACES
from ccit.selection.checks.abstaining import refused_without_value
from ccit.selection.checks.nearest import against_accepted


@plugin("check")
class NoveltyCheck:
    """Refuses a sample that lies too near to one that is pooled or was trained on.

    novelty = 1 - cosine to the nearest of them: 0 for a copy, 1 for what is unrelated, 2 where there is nothing to
    compare with (Lin et al. 2025, arXiv 2503.15924).

    A correction is no copy. In the space `statement` only what claims the same numbers, sides, negations and drugs
    is near (`ccit/scoring/claims.py`); everything else counts as unrelated. In a language that the embedder does not
    know there is no number; such a sample passes.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = NoveltyCheck(NoveltyCheck.Settings(max_similarity=0.9), check_context())
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> [check.refuse(check.scored(sample, similarity)[0]) for similarity in (0.95, 0.9, 0.85)]
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
        space: Literal["statement", "sample", "question"] = Field(
            "statement",
            description="what of two samples is compared: `statement` is question and answer, where other numbers, "
            "sides, negations or drugs make another statement; `sample` is question and answer whatever the numbers; "
            "`question` the question alone; each with the earlier turns",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self.space = settings.space
        self._max_similarity = settings.max_similarity
        self._context = context

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `novelty` per sample, against what was accepted before the batch."""
        return against_accepted(self, samples, self._context)

    def scored(self, sample: Sample, similarity: float) -> tuple[Score, ...]:
        """`novelty` for the highest cosine to anything accepted; -1 where there is nothing."""
        stamp = self._context.embedder.stamp
        if why := unknown_language(sample, self._context.languages):
            return (replace(novelty_score(similarity, stamp, self.space), value=None, unscored=why),)
        (unseen,) = self._context.unseen([SPACES[self.space](sample)])
        return (replace(novelty_score(similarity, stamp, self.space), truncated=unseen),)

    def refuse(self, score: Score) -> str | None:
        """`not_novel` from `max_similarity` on; a language that the embedder does not know passes."""
        if score.value is None:
            return refused_without_value(score)
        return "not_novel" if 1.0 - score.value >= self._max_similarity else None

"""Is it the wording of something accepted, with a few letters changed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.spaces import WORDING
from ccit.scoring.wording import STAMP
from ccit.selection.checks.nearest import against_accepted
from ccit.selection.reasons import UNSCORED


@plugin("check")
class NearCopiesCheck:
    """Refuses what repeats the wording of an accepted sample, in any language and without a model.

    near_copies = 1 - J, where J is the estimated share of character shingles that a sample has in common with the
    nearest accepted one (MinHash: `ccit/scoring/wording.py`): 0 for a copy, about 1 for another text, 2 where there is
    nothing to compare with. Another number, side, negation or drug makes another text, however few letters that
    changes.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = NearCopiesCheck(NearCopiesCheck.Settings(max_similarity=0.8), check_context())
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> [check.refuse(check.scored(sample, similarity)[0]) for similarity in (0.9, 0.8, 0.7)]
    ['near_copy', 'near_copy', None]
    """

    metric: ClassVar[str] = "near_copies"
    cost: ClassVar[float] = 5.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"near_copy": ("Near-copy", "an accepted record with a few letters changed")}
    space: ClassVar[str] = WORDING

    class Settings(PluginSettings):
        """How much wording may be shared."""

        kind: Literal["near_copies"] = "near_copies"
        max_similarity: float = Field(
            0.8,
            gt=0,
            le=1,
            description="share of runs of 5 characters in common with an accepted sample from which one is its copy; "
            "one changed word in 25 leaves about 0.9; known within 0.04 (standard error)",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._max_similarity = settings.max_similarity
        self._context = context

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `near_copies` per sample, against what was accepted before the batch."""
        return against_accepted(self, samples, self._context)

    def scored(self, sample: Sample, similarity: float) -> tuple[Score, ...]:
        """`near_copies` for the highest estimate of J to anything accepted; -1 where there is nothing."""
        return (Score("near_copies", 1.0 - similarity, STAMP),)

    def refuse(self, score: Score) -> str | None:
        """`near_copy` from `max_similarity` on."""
        if score.value is None:
            return UNSCORED
        return "near_copy" if 1.0 - score.value >= self._max_similarity else None

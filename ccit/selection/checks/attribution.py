"""Does the answer belong to another question?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.spaces import ANSWER, QUESTION, vectors_in
from ccit.selection.checks.abstaining import refused_without_value, scored_where_known, unseen_of
from ccit.vectors import cosines

NOTHING_ACCEPTED = "no question has been accepted yet"


@plugin("check")
class AttributionCheck:
    """Refuses an answer that an accepted question calls for more than its own.

    attribution = cosine(question, answer) - highest cosine(q, answer) of all accepted questions q: above 0 where no
    accepted question asks for this answer more than its own does, far below 0 where it was exchanged. Beside
    `relevance` it takes out what an answer has in common with every question: an answer in general words is near to
    all (the hubs of Radovanovic et al. 2010, JMLR 11), one in a clipped style to none.

    The questions are those accepted before the batch; see `EvidenceCheck`. In a language that the embedder does not
    know there is no number; such a sample passes, and so does one before which nothing was accepted.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = AttributionCheck(AttributionCheck.Settings(), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "Dose?", "5 mg.")])
    >>> score.unscored, check.refuse(score)
    ('no question has been accepted yet', None)
    """

    metric: ClassVar[str] = "attribution"
    cost: ClassVar[float] = 17.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"misattributed": ("Another's answer", "it answers an accepted question better")}
    spaces: ClassVar[tuple[str, ...]] = (QUESTION,)

    class Settings(PluginSettings):
        """How much better another question may fit."""

        kind: Literal["attribution"] = "attribution"
        min: float = Field(-0.35, ge=-2, le=2, description="difference of the two cosines below which it is refused")

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._min = settings.min
        self._context = context
        self._stamp = f"attribution.v1 own-max-other {context.embedder.stamp}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `attribution` per sample, -2 to 2."""
        return scored_where_known(samples, self._context.languages, self._scored, self._unscored)

    def refuse(self, score: Score) -> str | None:
        """`misattributed` below `min`."""
        if score.value is None:
            return refused_without_value(score, NOTHING_ACCEPTED)
        return "misattributed" if score.value < self._min else None

    def _scored(self, samples: Sequence[Sample]) -> list[Score]:
        asked = vectors_in(QUESTION, samples, self._context.embedder)
        answered = vectors_in(ANSWER, samples, self._context.embedder)
        found = self._context.neighbours.search(answered, 1, QUESTION)
        scores = []
        for row, (near, unseen) in enumerate(zip(found, unseen_of(samples, self._context), strict=True)):
            own = float(cosines(asked[row : row + 1], answered[row : row + 1])[0, 0])
            scores.append(
                Score("attribution", own - near[0].similarity, self._stamp, truncated=unseen)
                if near
                else self._unscored(NOTHING_ACCEPTED)
            )
        return scores

    def _unscored(self, why: str) -> Score:
        return Score("attribution", None, self._stamp, unscored=why)

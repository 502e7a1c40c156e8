"""Do accepted answers to nearly the same question say the same?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.ports.vectors import Neighbour, Vectors
from ccit.records import Sample, Score
from ccit.scoring.leads import STAMP
from ccit.scoring.spaces import ANSWER, LEAD, QUESTION, vectors_in
from ccit.selection.checks.abstaining import refused_without_value, scored_where_known, unseen_of
from ccit.vectors import cosines

TOO_FEW = "too few accepted questions are near"


@plugin("check")
class AgreementCheck:
    """Refuses an answer that differs from the answers to the nearest accepted questions.

    agreement = sum over the neighbours i of w_i a_i / sum of w_i, with w_i = exp(sharpness (c_i - 1)), c_i the cosine
    of the questions, and a_i = words (cosine of the words of the first sentences) + (1 - words) (cosine of the embedded
    answers), of the `k` accepted samples whose questions are nearest, as far as c_i reaches `min_similarity`. The
    embedder sees another subject, the words another drug (`ccit/scoring/leads.py`). Fewer than `min_neighbours` of
    them, or a sum of w_i below `min_evidence`, are no evidence: the check then abstains, and the sample passes, as does
    one in a language that the embedder does not know. (Selection by the agreement of neighbours: Wilson 1972, "edited
    nearest neighbor".)

    The neighbours are those accepted before the batch; see `EvidenceCheck`.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = AgreementCheck(AgreementCheck.Settings(), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "Dose?", "5 mg.")])
    >>> score.value, score.unscored, check.refuse(score)
    (None, 'too few accepted questions are near', None)
    """

    metric: ClassVar[str] = "agreement"
    cost: ClassVar[float] = 16.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {
        "disagrees": ("Disagrees", "accepted answers to nearly the same question say something else")
    }
    spaces: ClassVar[tuple[str, ...]] = (QUESTION, ANSWER, LEAD)

    class Settings(PluginSettings):
        """Whose agreement counts, and how much of it is asked for."""

        kind: Literal["agreement"] = "agreement"
        k: int = Field(8, ge=1, le=64, description="nearest accepted questions that are looked at")
        min_similarity: float = Field(
            0.75, ge=-1, le=1, description="cosine of two questions from which one says something about the other"
        )
        min_neighbours: int = Field(2, ge=1, description="so many of them at least, or it abstains")
        min_evidence: float = Field(
            0.0,
            ge=0,
            description="the sum of their weights from which it judges, in neighbours that ask exactly the same; raise "
            "it where questions about one subject lie so near that the first of a new kind would be refused",
        )
        sharpness: float = Field(10.0, ge=0, description="how much more a nearer question counts; 0: all alike")
        words: float = Field(
            0.5,
            ge=0,
            le=1,
            description="weight of the words of the first sentences; the embedder's cosine has the rest",
        )
        min: float = Field(
            0.12,
            ge=-1,
            le=1,
            description="agreement below which a sample is refused; where the same is asked often, 0.28 finds more",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._settings = settings
        self._context = context
        self._stamp = (
            f"agreement.v2 k={settings.k} from={settings.min_similarity} at-least={settings.min_neighbours} "
            f"evidence={settings.min_evidence} sharpness={settings.sharpness} words={settings.words} {STAMP} "
            f"{context.embedder.stamp}"
        )

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `agreement` per sample, -1 to 1."""
        return scored_where_known(samples, self._context.languages, self._scored, self._unscored)

    def refuse(self, score: Score) -> str | None:
        """`disagrees` below `min`; where it abstains the sample passes."""
        if score.value is None:
            return refused_without_value(score, TOO_FEW)
        return "disagrees" if score.value < self._settings.min else None

    def _scored(self, samples: Sequence[Sample]) -> list[Score]:
        asked = vectors_in(QUESTION, samples, self._context.embedder)
        said = {space: vectors_in(space, samples, self._context.embedder) for space in (ANSWER, LEAD)}
        found = self._context.neighbours.search(asked, self._settings.k, QUESTION)
        return [
            replace(self._agreement({space: rows[row : row + 1] for space, rows in said.items()}, near), truncated=cut)
            for row, (near, cut) in enumerate(zip(found, unseen_of(samples, self._context), strict=True))
        ]

    def _agreement(self, said: Mapping[str, Vectors], near: Sequence[Neighbour]) -> Score:
        places, weights = [], []
        for neighbour in near:
            if neighbour.position is not None and neighbour.similarity >= self._settings.min_similarity:
                places.append(neighbour.position)
                weights.append(np.exp(self._settings.sharpness * (neighbour.similarity - 1.0)))
        if len(places) < self._settings.min_neighbours or sum(weights) < self._settings.min_evidence:
            return self._unscored(TOO_FEW)
        cosine = {space: cosines(own, self._context.neighbours.at(places, space))[0] for space, own in said.items()}
        agreed = self._settings.words * cosine[LEAD] + (1.0 - self._settings.words) * cosine[ANSWER]
        return Score("agreement", float(np.average(agreed, weights=weights)), self._stamp)

    def _unscored(self, why: str) -> Score:
        return Score("agreement", None, self._stamp, unscored=why)

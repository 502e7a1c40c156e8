"""Is the answer about what was asked?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.spaces import answer_text, question_text
from ccit.selection.checks.abstaining import refused_without_value, scored_where_known, unseen_of
from ccit.vectors import cosines


@plugin("check")
class RelevanceCheck:
    """Refuses an answer that is about something other than its question.

    relevance = cosine of the embedded question and the embedded answer: 1 where they say the same, about 0 where they
    have nothing to do with each other. An answer of another question of the same collection lies low: on MedQuAD,
    with a quarter of the answers exchanged, the area under the curve is 0.99 (`benchmarks/wrong_answers.py`). What it
    cannot see is a wrong answer about the right thing: another dose, another side.

    In a language that the embedder does not know there is no number; such a sample passes.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = RelevanceCheck(RelevanceCheck.Settings(min=0.5), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "aaa?", "bbb.")])
    >>> round(score.value, 2), check.refuse(score)
    (0.01, 'irrelevant')
    """

    metric: ClassVar[str] = "relevance"
    cost: ClassVar[float] = 15.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"irrelevant": ("Off the question", "the answer is about something else")}

    class Settings(PluginSettings):
        """How far an answer may be from its question."""

        kind: Literal["relevance"] = "relevance"
        min: float = Field(
            0.3,
            ge=-1,
            le=1,
            description="cosine of question and answer below which it is refused; depends on the embedder and on how "
            "questions are asked: see benchmarks/RESULTS.md before raising it",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._min = settings.min
        self._context = context
        self._stamp = f"relevance.v1 cosine question answer {context.embedder.stamp}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `relevance` per sample, -1 to 1."""
        return scored_where_known(samples, self._context.languages, self._scored, self._unscored)

    def refuse(self, score: Score) -> str | None:
        """`irrelevant` below `min`; a language that the embedder does not know passes."""
        if score.value is None:
            return refused_without_value(score)
        return "irrelevant" if score.value < self._min else None

    def _scored(self, samples: Sequence[Sample]) -> list[Score]:
        """Questions and answers are embedded together: texts of similar length then meet in a batch."""
        texts = [*map(question_text, samples), *map(answer_text, samples)]
        vectors, unseen = self._context.embedder.embed(texts), unseen_of(samples, self._context)
        pairs = zip(range(len(samples)), range(len(samples), len(texts)), strict=True)
        return [
            Score(
                "relevance",
                float(cosines(vectors[q : q + 1], vectors[a : a + 1])[0, 0]),
                self._stamp,
                truncated=unseen[q],
            )
            for q, a in pairs
        ]

    def _unscored(self, why: str) -> Score:
        return Score("relevance", None, self._stamp, unscored=why)

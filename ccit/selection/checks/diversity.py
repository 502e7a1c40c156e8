"""Do the sentences of the response differ from each other?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.ports.vectors import Vectors
from ccit.records import Sample, Score
from ccit.scoring.diversity import mean_pairwise_distance
from ccit.scoring.languages import unknown_language
from ccit.scoring.sentences import split_sentences
from ccit.selection.checks.abstaining import refused_without_value

ONE_SENTENCE = "one sentence has no pairs"


@plugin("check")
class DiversityCheck:
    """Refuses a response whose sentences say the same again and again.

    D = 2 / (m (m - 1)) * sum over the pairs k < l of its m sentences of (1 - cosine(k, l)): 0 when all are alike, 2
    when they are opposite. The paper prints half that factor (arXiv 2503.15924); see `ccit/scoring/diversity.py`.

    A single sentence has no pairs and passes: it is neither diverse nor repetitive, and whether an answer is too short
    is the length's question. So does one in a language that the embedder does not know. All sentences of a batch are
    embedded at once.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = DiversityCheck(DiversityCheck.Settings(), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "Why?", "Rest. Rest. Rest.")])
    >>> round(score.value, 3), check.refuse(score)
    (0.0, 'not_diverse')
    """

    metric: ClassVar[str] = "diversity"
    cost: ClassVar[float] = 20.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"not_diverse": ("Repeats itself", "its sentences say the same thing again and again")}

    class Settings(PluginSettings):
        """How much the sentences of a response must differ."""

        kind: Literal["diversity"] = "diversity"
        min: float = Field(
            0.25,
            ge=0,
            le=2,
            description="mean of 1 - cosine over the response's sentence pairs, 2/(m(m-1)); the paper's printed "
            "formula equals (1 + this)/2, so its 0.5 refuses nothing; 0.25 refuses repetition only, 0.5 a quarter of "
            "MedQuAD",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._min = settings.min
        self._embedder = context.embedder
        self._languages = context.languages
        self._unseen = context.unseen
        self._stamp = f"diversity.v1 mean-pairwise sentences.v1 {context.embedder.stamp}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `diversity` per sample, 0 (all alike) to 2 (opposite); unscored below two sentences."""
        reasons = [unknown_language(sample, self._languages) for sample in samples]
        sentences = [[] if why else split_sentences(s.response) for s, why in zip(samples, reasons, strict=True)]
        counted = [own if len(own) > 1 else [] for own in sentences]
        together = [sentence for own in counted for sentence in own]
        vectors, unseen = self._embedder.embed(together), self._unseen(together)
        bounds = [0, *accumulate(len(own) for own in counted)]
        return [
            (self._scored(vectors[a:b], sum(unseen[a:b])) if b > a else self._unscored(why or ONE_SENTENCE),)
            for (a, b), why in zip(pairwise(bounds), reasons, strict=True)
        ]

    def refuse(self, score: Score) -> str | None:
        """`not_diverse` below `min`."""
        if score.value is None:
            return refused_without_value(score, ONE_SENTENCE)
        return "not_diverse" if score.value < self._min else None

    def _scored(self, vectors: Vectors, unseen: int) -> Score:
        return Score("diversity", mean_pairwise_distance(vectors), self._stamp, truncated=unseen)

    def _unscored(self, why: str) -> Score:
        return Score("diversity", None, self._stamp, unscored=why)

"""Is it the wrong answer, by all that the other checks have seen?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.languages import UNKNOWN_LANGUAGE
from ccit.selection.reasons import UNSCORED

NOT_MEASURED = "relevance was not measured"
_STAMP = "wrong-answer.v1 relevance attribution agreement ifd"
_STEEPNESS = 10.0
# What is as much for a sample as against it: about midway between answers of the right question and of another one.
_RELEVANCE, _ATTRIBUTION, _AGREEMENT = 0.45, -0.15, 0.45
_WEIGHT_OF_AGREEMENT, _WEIGHT_OF_IFD = 0.5, 0.25
_MOST_OF_IFD = 0.4  # nats by which an IFD may count: a proxy that does not know the field is far off


@plugin("check")
class WrongAnswerCheck:
    """Refuses what relevance, attribution, agreement and IFD together call a wrong answer.

    wrong_answer = 1 / (1 + exp(-10 e)), from 0 (right) to 1 (wrong), with the evidence

        e = (0.45 - relevance) + (-0.15 - attribution) + 0.5 (0.45 - agreement) + 0.25 ln(ifd)

    in which ln(ifd) counts for 0.4 at most, either way, and what has not been measured for nothing. It falls with the
    first three and rises with the last; its constants are set once for the builtin embedder, not learned from the
    stream. Without a relevance it is unscored, and in a language that the embedder does not know it is too; the latter
    passes. The checks that it combines have to be on.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = WrongAnswerCheck(WrongAnswerCheck.Settings(), check_context())
    >>> ((right,), (wrong,)) = (check.derived([Score("relevance", value, "")]) for value in (0.7, 0.1))
    >>> round(right.value, 2), round(wrong.value, 2), check.refuse(wrong)
    (0.08, 0.97, 'wrong_answer')
    """

    metric: ClassVar[str] = "wrong_answer"
    cost: ClassVar[float] = 110.0
    refuses: ClassVar[Refuses] = "high"
    reasons: ClassVar[Reasons] = {
        "wrong_answer": ("Wrong answer", "all that was measured says it answers another question")
    }

    class Settings(PluginSettings):
        """How much evidence against an answer is enough."""

        kind: Literal["wrong_answer"] = "wrong_answer"
        max: float = Field(0.9, gt=0, le=1, description="wrong_answer above which a sample is refused")

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._max = settings.max

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """Unscored: the texts alone say nothing to it."""
        return [self.derived(()) for _ in samples]

    def derived(self, scores: Sequence[Score]) -> tuple[Score, ...]:
        """One `wrong_answer`, 0 to 1."""
        relevance = next((score for score in scores if score.metric == "relevance"), None)
        if relevance is None or relevance.value is None:
            why = relevance.unscored if relevance is not None else NOT_MEASURED
            return (Score("wrong_answer", None, _STAMP, unscored=why),)
        values = {score.metric: score.value for score in scores if score.value is not None}
        if {"ppl_conditional", "ppl_direct"} <= values.keys():  # whichever formula the `ifd` follows
            values["ifd"] = values["ppl_conditional"] / values["ppl_direct"]
        return (Score("wrong_answer", 1.0 / (1.0 + math.exp(-_STEEPNESS * evidence(values))), _STAMP),)

    def refuse(self, score: Score) -> str | None:
        """`wrong_answer` above `max`."""
        if score.value is None:
            passes = score.unscored == NOT_MEASURED or score.unscored.startswith(UNKNOWN_LANGUAGE)
            return None if passes else UNSCORED
        return "wrong_answer" if score.value > self._max else None


def evidence(values: Mapping[str, float]) -> float:
    """e of `WrongAnswerCheck`, from metric -> value; bounded, for the values are.

    >>> evidence({})
    0.0
    >>> round(evidence({"relevance": 0.2, "ifd": 1.2}), 3)
    0.296
    """
    found = 0.0
    if "relevance" in values:
        found += _RELEVANCE - values["relevance"]
    if "attribution" in values:
        found += _ATTRIBUTION - values["attribution"]
    if "agreement" in values:
        found += _WEIGHT_OF_AGREEMENT * (_AGREEMENT - values["agreement"])
    if values.get("ifd", 0.0) > 0.0:
        found += _WEIGHT_OF_IFD * min(_MOST_OF_IFD, max(-_MOST_OF_IFD, math.log(values["ifd"])))
    return found

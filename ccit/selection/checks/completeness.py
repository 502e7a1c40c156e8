"""Does the answer end, or was it cut off?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.endings import completeness
from ccit.scoring.languages import language_of
from ccit.selection.reasons import UNSCORED


@plugin("check")
class CompletenessCheck:
    """Refuses an answer that breaks off.

    The form of its end decides, in five steps from 1 (a closed sentence) to 0 (it ends in `of the`): see
    `ccit/scoring/endings.py`.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = CompletenessCheck(CompletenessCheck.Settings(), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "How long?", "Rest for two weeks. Then come to the")])
    >>> score.value, check.refuse(score)
    (0.0, 'incomplete')
    """

    metric: ClassVar[str] = "completeness"
    cost: ClassVar[float] = 2.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"incomplete": ("Cut off", "the answer breaks off before its end")}

    class Settings(PluginSettings):
        """How an answer may end."""

        kind: Literal["completeness"] = "completeness"
        min: float = Field(
            0.3,
            ge=0,
            le=1,
            description="1: a full stop; 0.75: one, but a bracket is open; 0.5: a phrase or list without any; 0.25: "
            "none after sentences that have one; 0: it must go on. 0.3 refuses the last two, 0.6 phrases as well",
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._min = settings.min

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `completeness` per sample, 0 to 1."""
        return [
            (Score("completeness", completeness(sample.response, language_of(sample)), "completeness.v1 form"),)
            for sample in samples
        ]

    def refuse(self, score: Score) -> str | None:
        """`incomplete` below `min`."""
        if score.value is None:
            return UNSCORED
        return "incomplete" if score.value < self._min else None

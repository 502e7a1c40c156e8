"""Does the answer say the same words again and again?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.repetition import repetition
from ccit.selection.reasons import UNSCORED

TOO_SHORT = "fewer words than an n-gram has"


@plugin("check")
class RepetitionCheck:
    """Refuses an answer of which a large share is words that it has said before, in any language and without a model.

    repetition = 1 - different n-grams / n-grams of the answer's words (`ccit/scoring/repetition.py`): k times the same
    sentence is about 1 - 1/k. `diversity` sees what says the same in other words.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = RepetitionCheck(RepetitionCheck.Settings(), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "Why?", "Rest for two weeks. " * 4)])
    >>> round(score.value, 2), check.refuse(score)
    (0.71, 'repetitive')
    """

    metric: ClassVar[str] = "repetition"
    cost: ClassVar[float] = 1.5
    refuses: ClassVar[Refuses] = "high"
    reasons: ClassVar[Reasons] = {"repetitive": ("Same words again", "much of the answer has been said in it before")}

    class Settings(PluginSettings):
        """How much may be said again."""

        kind: Literal["repetition"] = "repetition"
        n: int = Field(3, ge=1, le=10, description="words in an n-gram")
        max: float = Field(
            0.4, ge=0, le=1, description="share of repeated n-grams above which it is refused; twice the same is 0.5"
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._settings = settings
        self._stamp = f"repetition.v1 n={settings.n}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `repetition` per sample, 0 to 1; unscored below n words."""
        values = [repetition(sample.response, self._settings.n) for sample in samples]
        return [
            (Score("repetition", value, self._stamp, unscored=TOO_SHORT if value is None else ""),) for value in values
        ]

    def refuse(self, score: Score) -> str | None:
        """`repetitive` above `max`; what is too short to repeat itself passes."""
        if score.value is None:
            return None if score.unscored == TOO_SHORT else UNSCORED
        return "repetitive" if score.value > self._settings.max else None

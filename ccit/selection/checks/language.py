"""Is it written in a language that the models are to learn?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.languages import STAMP, UNDETERMINED, language_of, primary
from ccit.selection.reasons import UNSCORED

logger = logging.getLogger("ccit.selection")

UNNAMED = "no language is named"


@plugin("check")
class LanguageCheck:
    """Refuses a sample whose language is not listed.

    The language is identified from question and answer (`ccit/scoring/languages.py`). Where that is not certain, as
    with "5 mg.", the primary subtag of the record's `lang` counts (BCP 47, RFC 5646: `en-US` is `en`). The score is 1
    where it is listed and 0 where it is not. A sample that leaves it open and names none (empty or `und`) is unscored
    and passes; the log says so once.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = LanguageCheck(LanguageCheck.Settings(languages=["en"]), check_context())
    >>> german = Sample("s", "r", "ward", "de-AT", "Welche Dosis?", "5 mg.")
    >>> [check.refuse(score) for (score,) in check.score([german])]
    ['language']
    """

    metric: ClassVar[str] = "language"
    cost: ClassVar[float] = 0.5
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"language": ("Other language", "in a language that this system does not read")}

    class Settings(PluginSettings):
        """Which languages are read."""

        kind: Literal["language"] = "language"
        languages: list[str] = Field(["en"], description="codes of the languages that are let in; empty lets in all")
        identify: bool = Field(
            True, description="identify the language from the text; false: believe the record's `lang` alone"
        )

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._listed = {primary(code) for code in settings.languages}
        self._identify = settings.identify
        how = STAMP if settings.identify else "believed"
        self._stamp = f"language.v2 {','.join(sorted(self._listed)) or 'any'} {how}"
        self._has_warned = False

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `language` per sample, 1 or 0."""
        if not self._listed:
            return [(Score("language", 1.0, self._stamp),) for _ in samples]
        tell = language_of if self._identify else _believed
        return [(self._scored(tell(sample)),) for sample in samples]

    def refuse(self, score: Score) -> str | None:
        """`language` for one that is not listed; a record that names none passes."""
        if score.value is None:
            return None if score.unscored == UNNAMED else UNSCORED
        return "language" if score.value < 1.0 else None

    def _scored(self, code: str) -> Score:
        if code in self._listed:
            return Score("language", 1.0, self._stamp)
        if code != UNDETERMINED:
            return Score("language", 0.0, self._stamp)
        if not self._has_warned:
            logger.warning(
                "records that name no language (`lang`) and whose text leaves it open pass the check of languages; "
                "name it to have it checked"
            )
            self._has_warned = True
        return Score("language", None, self._stamp, unscored=UNNAMED)


def _believed(sample: Sample) -> str:
    return primary(sample.lang)

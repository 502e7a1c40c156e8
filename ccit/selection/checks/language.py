"""Is it written in a language that the models are to learn?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.selection.reasons import UNSCORED

logger = logging.getLogger("ccit.selection")

UNNAMED = "no language is named"


@plugin("check")
class LanguageCheck:
    """Refuses a sample whose language is not listed.

    The primary subtag of `lang` counts (BCP 47, RFC 5646: `en-US` is `en`). The score is 1 where it is listed and 0
    where it is not. A sample that names no language (empty or `und`) is unscored and passes; the log says so once.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = LanguageCheck(LanguageCheck.Settings(languages=["en"]), check_context())
    >>> german = Sample("s", "r", "ward", "de-AT", "Welche Dosis?", "5 mg.")
    >>> [check.refuse(score) for (score,) in check.score([german])]
    ['language']
    """

    metric: ClassVar[str] = "language"
    cost: ClassVar[float] = 0.0
    refuses: ClassVar[Refuses] = "low"
    reasons: ClassVar[Reasons] = {"language": ("Other language", "in a language that this system does not read")}

    class Settings(PluginSettings):
        """Which languages are read."""

        kind: Literal["language"] = "language"
        languages: list[str] = Field(["en"], description="accepted `lang` codes; empty accepts all")

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._listed = {_primary(code) for code in settings.languages}
        self._stamp = f"language.v1 {','.join(sorted(self._listed)) or 'any'}"
        self._has_warned = False

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `language` per sample, 1 or 0."""
        return [(self._scored(_primary(sample.lang)),) for sample in samples]

    def refuse(self, score: Score) -> str | None:
        """`language` for one that is not listed; a record that names none passes."""
        if score.value is None:
            return None if score.unscored == UNNAMED else UNSCORED
        return "language" if score.value < 1.0 else None

    def _scored(self, code: str) -> Score:
        if not self._listed or code in self._listed:
            return Score("language", 1.0, self._stamp)
        if code not in ("", "und"):
            return Score("language", 0.0, self._stamp)
        if not self._has_warned:
            logger.warning(
                "records without a language (`lang`) pass the check of languages; name it to have it checked"
            )
            self._has_warned = True
        return Score("language", None, self._stamp, unscored=UNNAMED)


def _primary(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].strip().lower()

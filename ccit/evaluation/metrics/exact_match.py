"""The answer itself, up to how it is written: for short answers that are right or wrong."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import Grade, MetricContext
from ccit.records import Question

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalised(text: str) -> str:
    """Compatibility forms unified (NFKC), lower case, without punctuation, English articles and doubled spaces.

    Signs that carry meaning in a number stay: `<`, `+`, `%`, and a point or comma between digits.

    >>> normalised("  The dose: 2.5 mg, twice. "), normalised("ＡＢＣ１２３。")
    ('dose 2.5 mg twice', 'abc123')
    """
    lower = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        " " if unicodedata.category(c).startswith("P") and c != "%" and not _in_number(lower, i) else c
        for i, c in enumerate(lower)
    )
    return " ".join(_ARTICLES.sub(" ", kept).split())


def _in_number(text: str, at: int) -> bool:
    """Whether the character is a decimal separator or the minus of a number."""
    after = text[at + 1 : at + 2].isdigit()
    before = text[at - 1 : at] if at else ""
    return after and ((text[at] in ".," and before.isdigit()) or (text[at] == "-" and not before.strip()))


@plugin("metric")
class ExactMatch:
    """1 where answer and reference are the same once both are normalised, else 0.

    Normalisation as in SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250), for any script: `normalised` says what of a
    text counts. With `prefix`, an answer that goes on after the reference is right too ("Yes. It lowers ...").

    Example
    -------
    >>> metric = ExactMatch(ExactMatch.Settings(), MetricContext(max_new_tokens=64))
    >>> question = Question("q", "g", "Which dose?", "500 mg")
    >>> metric.grade(question, "The 500 mg.").credit, metric.grade(question, "5.00 mg").credit
    (1.0, 0.0)
    """

    class Settings(PluginSettings):
        """How much of the answer is compared."""

        kind: Literal["exact_match"] = "exact_match"
        prefix: bool = Field(False, description="an answer that begins with the reference is right")

    def __init__(self, settings: Settings, context: MetricContext) -> None:
        self._prefix = settings.prefix

    def grade(self, question: Question, answer: str) -> Grade:
        """Right or wrong."""
        given, wanted = normalised(answer), normalised(question.answer)
        begins = self._prefix and f"{given} ".startswith(f"{wanted} ")
        return Grade(float(bool(wanted) and (given == wanted or begins)))

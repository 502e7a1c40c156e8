"""Overlap with the reference text, in order: the default for free answers."""

from __future__ import annotations

from typing import Literal

from ccit.evaluation.overlap import rouge_l
from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import Grade, MetricContext
from ccit.records import Question


@plugin("metric")
class RougeL:
    """ROUGE-L: F1 of the longest common subsequence of tokens of answer and reference.

    With the length l of that subsequence: P = l / (tokens of the answer), R = l / (tokens of the reference),
    credit = 2 P R / (P + R), 0 to 1 (Lin 2004, Text Summarization Branches Out). Tokens are words of any script
    (`ccit/evaluation/overlap.py`).

    Example
    -------
    >>> metric = RougeL(RougeL.Settings(), MetricContext(max_new_tokens=64))
    >>> metric.grade(Question("q", "g", "What helps?", "water and rest"), "rest and water")
    Grade(credit=0.3333333333333333, faulty=False)
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["rouge_l"] = "rouge_l"

    def __init__(self, settings: Settings, context: MetricContext) -> None:
        pass

    def grade(self, question: Question, answer: str) -> Grade:
        """Overlap with the question's answer."""
        return Grade(rouge_l(answer, question.answer))

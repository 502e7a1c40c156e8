"""How a candidate is asked, graded and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ccit.ports.training import Progress
from ccit.records import AdapterPair, Finding, Question, Sample, SuiteResults, Suites


class Evaluator(Protocol):
    """Lets one version answer the suites."""

    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        """Answers of each suite in its order; `adapters=None` asks the base model."""


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What every metric may know: how many tokens a free answer may have."""

    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Grade:
    """What a free answer earned, 0 to 1, and whether it is of no use at all."""

    credit: float
    faulty: bool = False


class Metric(Protocol):
    """Grades a free answer. Pure; a choice is graded by likelihood alone."""

    def grade(self, question: Question, answer: str) -> Grade:
        """Compare an answer with the question's own; one that is empty or was cut is faulty whatever it earns here."""


@dataclass(frozen=True, slots=True)
class CriterionContext:
    """What every criterion of the gate may know.

    Parameters
    ----------
    suites : tuple[str, ...]
        Names of the suites that are asked.
    max_questions : int | None
        Questions of a suite, at most; None is any number.
    confidence : float
        Of the intervals in the first round after a promotion: no later round decides with less.
    """

    suites: tuple[str, ...]
    max_questions: int | None = None
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate judges a candidate by: three versions' answers to the same questions.

    Parameters
    ----------
    candidate, incumbent : SuiteResults
        Both answered every suite.
    baseline : SuiteResults
        Answers of the version that a line of versions is measured from (version 0, or the one that is registered) to
        the suites that stay the same from round to round.
    incumbent_number, baseline_number : int
        Which versions these are.
    round_number : int
        Candidates judged since the last promotion, this one included.
    confidence : float
        Of the two-sided interval that speaks for promotion: each tail is what this round may spend on promoting.
    hold_confidence : float
        Of the wider one that speaks for holding: the same, divided among all tests that may hold.
    """

    candidate: SuiteResults
    incumbent: SuiteResults
    baseline: SuiteResults
    incumbent_number: int
    baseline_number: int
    round_number: int
    confidence: float
    hold_confidence: float


class Criterion(Protocol):
    """One thing that a candidate must satisfy to be promoted."""

    @property
    def tests(self) -> int:
        """How many tests of it may hold a candidate by chance: the error of holding is divided among all of them."""

    def finding(self, evidence: Evidence) -> Finding:
        """`promote` where it has nothing against the candidate; pure."""

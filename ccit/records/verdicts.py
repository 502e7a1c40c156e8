"""What is asked of a candidate, what it answers, and what follows from that: Question, Finding, Verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ccit.records.candidates import Spend


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a suite: choose among `choices` by likelihood, or, without choices, answer freely."""

    question_id: str
    group: str
    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


Suites = Mapping[str, tuple[Question, ...]]  # by name; every candidate is judged on all of them

DOMAIN = "domain"  # the suite of what is to be learned: without one, a round's validation part is asked

GENERAL = "general"  # the suite of what must not be forgotten


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One question of a suite, as one model answered it."""

    question_id: str
    group: str
    credit: float  # 0 to 1: right or wrong for a choice, the metric's value for free text
    faulty: bool = False  # empty, not finite, or cut by the token limit


@dataclass(frozen=True, slots=True)
class SuiteResults:
    """What one version answered on each suite, and its loss on the round's validation part (nats per token)."""

    answers: Mapping[str, tuple[GradedAnswer, ...]]
    validation_loss: float
    spend: Spend

    def of(self, suite: str) -> tuple[GradedAnswer, ...]:
        """The answers to one suite; none where it was not asked."""
        return tuple(self.answers.get(suite, ()))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference in percentage points with its interval."""

    points: float
    low: float
    high: float


Outcome = Literal["promote", "hold", "not_enough_evidence"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one criterion of the gate says: `promote` where it has nothing against it, with one sentence."""

    criterion: str
    outcome: Outcome
    why: str
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Promote, hold, or not enough evidence, with the numbers in percentage points and their intervals."""

    outcome: Outcome
    why: str
    gain: Estimate
    forgetting: Estimate
    fault_rate: float
    accuracy: float
    accuracy_by_group: Mapping[str, float]
    general_accuracy: float
    incumbent_accuracy: float
    incumbent_accuracy_by_group: Mapping[str, float]
    incumbent_general_accuracy: float
    validation_loss: float
    incumbent_validation_loss: float
    confidence: float  # of the intervals: 1 minus the error this round may spend
    findings: tuple[Finding, ...] = ()  # of every criterion, in the order of the configuration
    suite_digest: str = ""  # SHA-256 (hex) over every question asked; verdicts of different suites are not compared

"""Answers that a version might have given, and a gate to judge them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccit.config import Evaluation as Settings
from ccit.evaluation.gate import Comparator, Gate, decide, gate_of
from ccit.ports.evaluation import Evidence
from ccit.records import GradedAnswer, Spend, SuiteResults, Verdict


def answers(right: int, n: int, faulty: int = 0) -> tuple[GradedAnswer, ...]:
    """The first `right` of `n` questions answered rightly, the first `faulty` faultily."""
    return tuple(GradedAnswer(f"q{i}", f"g{i % 2}", float(i < right), faulty=i < faulty) for i in range(n))


def graded(credits_of: Sequence[float], facts: Sequence[int] | None = None) -> tuple[GradedAnswer, ...]:
    """With these credits; `facts` says which fact each question asks about."""
    names = [f"q{i}" for i in range(len(credits_of))] if facts is None else [f"{f}#{i}" for i, f in enumerate(facts)]
    return tuple(GradedAnswer(name, "g", credit) for name, credit in zip(names, credits_of, strict=True))


def results(
    domain: tuple[GradedAnswer, ...] = (), general: tuple[GradedAnswer, ...] = (), loss: float = 1.0
) -> SuiteResults:
    """Of the usual two suites."""
    return SuiteResults({"domain": domain, "general": general}, loss, Spend())


def evidence(candidate: SuiteResults, incumbent: SuiteResults, baseline: SuiteResults | None = None) -> Evidence:
    """At the first round after a promotion, with four tests that may hold."""
    return Evidence(candidate, incumbent, baseline or incumbent, 3, 0, 1, 0.9696, 0.9924)


def gate(**criteria: Any) -> Gate:
    """The usual gate, but for these criteria."""
    return gate_of(Settings.model_validate({"criteria": criteria}))


def judged(
    candidate: SuiteResults,
    incumbent: SuiteResults,
    by: Gate | None = None,
    round_number: int = 1,
    baseline: SuiteResults | None = None,
) -> Verdict:
    """What the gate says; without a baseline the incumbent is version 0."""
    origin = Comparator(0, baseline or incumbent)
    return decide(candidate, Comparator(3 if baseline else 0, incumbent), origin, by or gate(), round_number)

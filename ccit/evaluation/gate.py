"""The gate: promote, hold, or not enough evidence.

Each criterion (`ccit/evaluation/criteria`) gives a finding; the verdict follows from them alone. One that holds, holds.
Else one that has not enough evidence leaves the incumbent active. Only where none has anything against it is a
candidate promoted.

**Budget.** Repeated tests promote noise eventually. Judging the k-th round since the last promotion spends
6 / (pi^2 k^2) of the error budget, which sums to the whole budget until the next promotion; half of it on promoting,
half on holding. So the chance of promoting noise before the next true gain is at most half of `error_budget`, and a
long quiet line does not lose its power to learn for good (spending over its whole life would: the twentieth round could
spend 0.0002).

*Promoting* needs every criterion's consent, so nothing is divided: whichever statement is false (there is a gain; no
more than the bound is forgotten since the incumbent; ... since the baseline), its own test has to err, which it does
with the chance that the round may spend (an intersection-union test; Berger 1982, Technometrics 24: 295-300).
*Holding* needs one criterion alone, so its half is divided evenly among all tests that may hold (Bonferroni). A loss
that lies exactly at its bound is held up to twice as often as its share says, because counts of losses have the longer
tail; that error keeps a good candidate out, it lets no bad one in.

What this does not say: the same questions are asked in every round, so the luck of a suite is shared by all verdicts
about it. A suite that has judged many rounds is to be renewed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

from ccit.config import Evaluation as Settings
from ccit.evaluation.accuracy import accuracy, accuracy_by_group, fault_points
from ccit.evaluation.intervals import paired
from ccit.plugin_tables import selected
from ccit.plugins import build
from ccit.ports.evaluation import Criterion, CriterionContext, Evidence
from ccit.records import DOMAIN, GENERAL, Finding, Outcome, SuiteResults, Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides about candidates.

    Parameters
    ----------
    criteria : tuple[Criterion, ...]
        In the order of their kinds.
    error_budget : float
        Chance of a wrong decision before the next true gain.
    baseline : int
        Number of the version that a line of versions is measured from.
    """

    criteria: tuple[Criterion, ...]
    error_budget: float
    baseline: int = 0


@dataclass(frozen=True, slots=True)
class Comparator:
    """A version that a candidate is compared with: its number, and what it answered."""

    number: int
    results: SuiteResults


def gate_of(settings: Settings) -> Gate:
    """Build the criteria that are selected.

    Raises
    ------
    ConfigError
        One names a suite that nobody asks, or has a bound that `max_questions` questions can never show to be kept.
    """
    suites = tuple(dict.fromkeys((DOMAIN, GENERAL, *settings.suites)))
    context = CriterionContext(suites, settings.max_questions, confidence_of(1, settings.error_budget))
    criteria = tuple(build("criterion", own, context) for own in selected(settings.criteria))
    return Gate(criteria, settings.error_budget, settings.baseline)


def confidence_of(round_number: int, error_budget: float) -> float:
    """Confidence of the intervals at the k-th round judged since the last promotion (k = 1, 2, ...).

    >>> round(confidence_of(1, 0.05), 4), round(confidence_of(10, 0.05), 5)
    (0.9696, 0.9997)
    """
    if round_number < 1:
        raise ValueError(f"expected rounds counted from 1, got {round_number}")
    return 1 - error_budget * 6 / (math.pi * round_number) ** 2


def decide(
    candidate: SuiteResults, incumbent: Comparator, baseline: Comparator, gate: Gate, round_number: int
) -> Verdict:
    """Judge a candidate by every criterion.

    Parameters
    ----------
    incumbent, baseline : Comparator
        The active version, and the one that the line is measured from; they may be the same.
    round_number : int
        How many candidates have been judged since the last promotion, this one included.
    """
    confidence = confidence_of(round_number, gate.error_budget)
    evidence = Evidence(
        candidate=candidate,
        incumbent=incumbent.results,
        baseline=baseline.results,
        incumbent_number=incumbent.number,
        baseline_number=baseline.number,
        round_number=round_number,
        confidence=confidence,
        hold_confidence=1 - (1 - confidence) / max(1, sum(criterion.tests for criterion in gate.criteria)),
    )
    findings = tuple(criterion.finding(evidence) for criterion in gate.criteria)
    outcome = outcome_of(findings)
    return _verdict(evidence, findings, outcome)


def outcome_of(findings: tuple[Finding, ...]) -> Outcome:
    """What follows from the findings of all criteria.

    >>> outcome_of((Finding("gain", "promote", ""), Finding("faults", "not_enough_evidence", "")))
    'not_enough_evidence'
    """
    said = {finding.outcome for finding in findings}
    order: tuple[Outcome, ...] = ("hold", "not_enough_evidence")
    return next((outcome for outcome in order if outcome in said), "promote")


def _why(findings: tuple[Finding, ...], outcome: Outcome) -> str:
    """What decided; of a promotion, what was measured, the gain first."""
    decisive = [f for f in findings if f.outcome == outcome and (outcome != "promote" or f.estimate is not None)]
    return (
        " ".join(f.why for f in sorted(decisive, key=lambda f: f.criterion != "gain")) or "Nothing speaks against it."
    )


def _verdict(evidence: Evidence, findings: tuple[Finding, ...], outcome: Outcome) -> Verdict:
    candidate, incumbent = evidence.candidate, evidence.incumbent
    domain, before = candidate.of(DOMAIN), incumbent.of(DOMAIN)
    general, general_before = candidate.of(GENERAL), incumbent.of(GENERAL)
    return Verdict(
        outcome=outcome,
        why=_why(findings, outcome),
        gain=paired(domain, before).estimate(evidence.confidence),
        forgetting=paired(general, general_before).reversed().estimate(evidence.confidence),
        fault_rate=fault_points(list(chain.from_iterable(candidate.answers.values()))),
        accuracy=accuracy(domain),
        accuracy_by_group=accuracy_by_group(domain),
        general_accuracy=accuracy(general),
        incumbent_accuracy=accuracy(before),
        incumbent_accuracy_by_group=accuracy_by_group(before),
        incumbent_general_accuracy=accuracy(general_before),
        validation_loss=candidate.validation_loss,
        incumbent_validation_loss=incumbent.validation_loss,
        confidence=evidence.confidence,
        findings=findings,
    )

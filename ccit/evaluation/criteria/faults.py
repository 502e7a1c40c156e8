"""No more faulty answers than a server can live with, or than were there before."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from ccit.evaluation.intervals import Differences, fault_of, paired, share
from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import Finding, GradedAnswer, SuiteResults


@plugin("criterion")
class Faults:
    """Not both: more than `max_points` faulty answers, and more than `max_points` more than before.

    An answer is faulty when it is empty, was cut by the token limit, or met a number that is not finite; all suites
    count together. Faults are paired by question, as credit is: hold when both excesses are certain, not enough
    evidence when both are seen. "Before" is the incumbent and the baseline, whichever was better: an allowance that is
    measured from the incumbent alone would be used again by every version.

    This is a test of harm, the burden of proof is on the gate: 500 answers without one fault could not prove that fewer
    than 1 in 100 will have one after a few rounds.

    Example
    -------
    >>> from ccit.records import Spend
    >>> def answered(bad):
    ...     domain = tuple(GradedAnswer(f"q{i}", "g", 1.0, i < bad) for i in range(900))
    ...     return SuiteResults({"domain": domain}, 1.0, Spend())
    >>> faults = Faults(Faults.Settings(), CriterionContext(("domain",)))
    >>> def outcome(after, before):
    ...     known = answered(before)
    ...     return faults.finding(Evidence(answered(after), known, known, 0, 0, 1, 0.97, 0.99)).outcome
    >>> outcome(301, 300), outcome(12, 0), outcome(60, 0)
    ('promote', 'not_enough_evidence', 'hold')
    """

    class Settings(PluginSettings):
        """How many faulty answers are too many."""

        kind: Literal["faults"] = "faults"
        max_points: float = Field(
            1.0,
            ge=0,
            le=100,
            description="largest share of faulty answers (empty, cut, or not finite), and largest growth of that share "
            "since the incumbent and the baseline where it is larger, percentage points",
        )

    tests = 2  # against the incumbent, against the baseline

    def __init__(self, settings: Settings, context: CriterionContext) -> None:
        self._max_points = settings.max_points

    def finding(self, evidence: Evidence) -> Finding:
        """Whether the candidate makes too many, and more than before."""
        faulty = share(_all(evidence.candidate, evidence.candidate), fault_of)
        since = [_since(evidence, before) for before in (evidence.incumbent, evidence.baseline)]
        known = [more for more in since if more.units]
        found, certain = faulty.estimate(evidence.confidence), faulty.estimate(evidence.hold_confidence)
        most = self._max_points
        if not known:
            return Finding("faults", "promote", "Nothing was asked, so nothing was faulty.")
        certainly = max(more.estimate(evidence.hold_confidence).low for more in known)
        seemingly = max(more.estimate(evidence.confidence).points for more in known)
        said = f"{found.points:.1f}% of the candidate's answers are faulty, {seemingly:+.1f} points since before"
        limit = f"the limit of {most:g} (evaluation.criteria.faults.max_points)"
        if certain.low > most and certainly > most:
            return Finding("faults", "hold", f"{said}: certainly more than {limit}.", certain)
        if found.points > most and seemingly > most:
            return Finding("faults", "not_enough_evidence", f"{said}: more than {limit}, as it seems.", found)
        return Finding("faults", "promote", f"{said}.", found)


def _since(evidence: Evidence, before: SuiteResults) -> Differences:
    return paired(_all(evidence.candidate, before), _all(before, before), fault_of)


def _all(results: SuiteResults, asked: SuiteResults) -> list[GradedAnswer]:
    """The answers to every suite that `asked` has answers to, as one; ids say which suite they are from."""
    return [
        replace(answer, question_id=f"{suite}/{answer.question_id}")
        for suite in sorted(asked.answers)
        if asked.of(suite)
        for answer in results.of(suite)
    ]

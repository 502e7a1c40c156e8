"""Better than the incumbent, certainly, and by enough to matter."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.evaluation.intervals import paired
from ccit.evaluation.losses import check_suites
from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import DOMAIN, Estimate, Finding


@plugin("criterion")
class Gain:
    """The candidate earns certainly more than the incumbent on one suite, and at least `min_points` more.

    Promote: the whole interval of the gain lies above 0 and its mean is at least `min_points`. Hold: the whole (wider)
    interval lies below 0. McNemar's test with one pseudo-observation (`ccit/evaluation/intervals.py`).

    Example
    -------
    >>> from ccit.records import GradedAnswer, Spend, SuiteResults
    >>> def answered(right):
    ...     domain = tuple(GradedAnswer(f"q{i}", "g", i < right) for i in range(99))
    ...     return SuiteResults({"domain": domain}, 1.0, Spend())
    >>> gain = Gain(Gain.Settings(), CriterionContext(("domain",)))
    >>> gain.finding(Evidence(answered(60), answered(40), answered(40), 0, 0, 1, 0.97, 0.99)).why
    'The gain is +20.2 points (from +11.9 to +32.8).'
    """

    class Settings(PluginSettings):
        """Where a gain is looked for, and how large it must be."""

        kind: Literal["gain"] = "gain"
        suite: str = Field(DOMAIN, description="the suite on which a candidate must be better")
        min_points: float = Field(1.0, description="smallest gain worth a version, percentage points")

    tests = 1

    def __init__(self, settings: Settings, context: CriterionContext) -> None:
        check_suites([settings.suite], context, "evaluation.criteria.gain.suite")
        self._suite = settings.suite
        self._min_points = settings.min_points

    def finding(self, evidence: Evidence) -> Finding:
        """Whether the gain is certain, and large enough."""
        gained = paired(evidence.candidate.of(self._suite), evidence.incumbent.of(self._suite))
        found, certain = gained.estimate(evidence.confidence), gained.estimate(evidence.hold_confidence)
        if certain.high < 0:
            return Finding("gain", "hold", f"The candidate is certainly worse: {_text(certain)}.", certain)
        if found.low <= 0:
            return Finding(
                "gain", "not_enough_evidence", f"The gain of {_text(found)} cannot be told from no gain.", found
            )
        if found.points < self._min_points:
            why = (
                f"The gain of {_text(found)} is below the {self._min_points:g} points asked for "
                "(evaluation.criteria.gain.min_points)."
            )
            return Finding("gain", "not_enough_evidence", why, found)
        return Finding("gain", "promote", f"The gain is {_text(found)}.", found)


def _text(e: Estimate) -> str:
    return f"{e.points:+.1f} points (from {e.low:+.1f} to {e.high:+.1f})"

"""No more forgotten since version 0 than is allowed, however many versions lie between."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.evaluation.losses import LossBound
from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import GENERAL, Finding


@plugin("criterion")
class TotalForgetting:
    """The candidate loses certainly no more than `max_points` against version 0, or the registered baseline.

    Non-inferiority as in `forgetting`, against the version of `evaluation.baseline`: eight steps of 2.8 points, each of
    them allowed, would go from 90.0 to 67.6.

    Example
    -------
    >>> from ccit.records import GradedAnswer, Spend, SuiteResults
    >>> def answered(right):
    ...     general = tuple(GradedAnswer(f"q{i}", "g", i < right) for i in range(900))
    ...     return SuiteResults({"general": general}, 1.0, Spend())
    >>> total = TotalForgetting(TotalForgetting.Settings(), CriterionContext(("domain", "general")))
    >>> found = total.finding(Evidence(answered(750), answered(755), answered(810), 2, 0, 1, 0.97, 0.99))
    >>> found.outcome, round(found.estimate.points, 1)
    ('not_enough_evidence', 6.7)
    """

    class Settings(PluginSettings):
        """How much a whole line of versions may forget."""

        kind: Literal["total_forgetting"] = "total_forgetting"
        suites: tuple[str, ...] = Field((GENERAL,), min_length=1, description="suites that must not be forgotten")
        max_points: float = Field(
            5.0,
            gt=0,
            le=100,
            description="largest loss against the version of `evaluation.baseline` on each suite, percentage points; "
            "the whole interval must be within it; 100 bounds nothing",
        )

    def __init__(self, settings: Settings, context: CriterionContext) -> None:
        self._bound = LossBound("total_forgetting", settings.suites, settings.max_points)
        self._bound.check(context)

    @property
    def tests(self) -> int:
        """One per suite."""
        return len(self._bound.suites)

    def finding(self, evidence: Evidence) -> Finding:
        """Whether the worst of the suites is within the bound."""
        return self._bound.finding(evidence, evidence.baseline, f"version {evidence.baseline_number}")

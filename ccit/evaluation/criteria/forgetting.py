"""No more forgotten since the incumbent than is allowed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.evaluation.losses import LossBound
from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import GENERAL, Finding


@plugin("criterion")
class Forgetting:
    """The candidate loses certainly no more than `max_points` against the incumbent on each of the suites.

    A test of non-inferiority: the upper end of the loss's interval must not be above `max_points`. It bounds one step;
    `total_forgetting` bounds the way from version 0, which any number of allowed steps would lead away from.

    Example
    -------
    >>> from ccit.records import GradedAnswer, Spend, SuiteResults
    >>> def answered(right):
    ...     general = tuple(GradedAnswer(f"q{i}", "g", i < right) for i in range(900))
    ...     return SuiteResults({"general": general}, 1.0, Spend())
    >>> forgetting = Forgetting(Forgetting.Settings(), CriterionContext(("domain", "general")))
    >>> def outcome(right):
    ...     before = answered(800)
    ...     return forgetting.finding(Evidence(answered(right), before, before, 0, 0, 1, 0.97, 0.99)).outcome
    >>> outcome(795), outcome(780), outcome(600)
    ('promote', 'not_enough_evidence', 'hold')
    """

    class Settings(PluginSettings):
        """How much one version may forget of what the one before it knew."""

        kind: Literal["forgetting"] = "forgetting"
        suites: tuple[str, ...] = Field((GENERAL,), min_length=1, description="suites that must not be forgotten")
        max_points: float = Field(
            3.0,
            gt=0,
            le=100,
            description="largest loss against the incumbent on each suite, percentage points; the whole interval must "
            "be within it; 100 bounds nothing",
        )

    def __init__(self, settings: Settings, context: CriterionContext) -> None:
        self._bound = LossBound("forgetting", settings.suites, settings.max_points)
        self._bound.check(context)

    @property
    def tests(self) -> int:
        """One per suite."""
        return len(self._bound.suites)

    def finding(self, evidence: Evidence) -> Finding:
        """Whether the worst of the suites is within the bound."""
        return self._bound.finding(evidence, evidence.incumbent, "the incumbent")

"""Forgetting as a test of non-inferiority: the burden of proof is on the candidate. Pure.

A suite's loss is what an earlier version earned there and the candidate does not, in percentage points. It is within a
bound only when the *whole* interval is: a loss that cannot be told from a larger one is not bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ccit.errors import ConfigError
from ccit.evaluation.intervals import Differences, paired
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import Estimate, Finding, SuiteResults


def check_suites(suites: Iterable[str], context: CriterionContext, key: str) -> None:
    """Raise `ConfigError` where a criterion names a suite that nobody asks."""
    for suite in suites:
        if suite not in context.suites:
            raise ConfigError(
                f"{key}: expected a suite of [evaluation.suites] ({', '.join(context.suites)}), found {suite!r}"
            )


@dataclass(frozen=True, slots=True)
class LossBound:
    """How much may be lost on each of some suites.

    Parameters
    ----------
    criterion : str
        The kind of the criterion, which names its table.
    suites : tuple[str, ...]
        Each of them is bounded by itself.
    points : float
        Largest loss, percentage points.
    """

    criterion: str
    suites: tuple[str, ...]
    points: float

    def check(self, context: CriterionContext) -> None:
        """Raise `ConfigError` where nobody asks a suite, or where the bound could not be shown without any loss."""
        table = f"evaluation.criteria.{self.criterion}"
        check_suites(self.suites, context, f"{table}.suites")
        unchanged = Differences(1.0, 0.0, 0.0, 0.0)
        needed = unchanged.units_to_stay_below(self.points, context.confidence)
        if context.max_questions is not None and (needed is None or needed > context.max_questions):
            raise ConfigError(
                f"evaluation.max_questions = {context.max_questions} can never show that no more than "
                f"{table}.max_points = {self.points:g} were lost: even without any loss that takes "
                f"{needed or 'more than a million'} questions; raise the one or the other"
            )

    @property
    def _said(self) -> str:
        return f"the bound of {self.points:g} points (evaluation.criteria.{self.criterion}.max_points)"

    def finding(self, evidence: Evidence, before: SuiteResults, since: str) -> Finding:
        """About the suite with the least favourable loss.

        Parameters
        ----------
        before : SuiteResults
            Answers of the version that the loss is measured from.
        since : str
            Which version that is, in words.
        """
        found = [self._of(suite, evidence, before, since) for suite in self.suites]
        order = ("hold", "not_enough_evidence", "promote")
        return min(found, key=lambda f: (order.index(f.outcome), -f.estimate.high if f.estimate else 0.0))

    def _of(self, suite: str, evidence: Evidence, before: SuiteResults, since: str) -> Finding:
        lost = paired(evidence.candidate.of(suite), before.of(suite)).reversed()
        found, certain = lost.estimate(evidence.confidence), lost.estimate(evidence.hold_confidence)
        if certain.low > self.points:
            why = f"Suite {suite!r} lost {loss_text(certain)} since {since}, certainly beyond {self._said}."
            return Finding(self.criterion, "hold", why, certain)
        if found.high <= self.points:
            why = f"Suite {suite!r} lost {loss_text(found)} since {since}, within {self.points:g}."
            return Finding(self.criterion, "promote", why, found)
        why = self._doubt(suite, lost, found, since, evidence.confidence)
        return Finding(self.criterion, "not_enough_evidence", why, found)

    def _doubt(self, suite: str, lost: Differences, found: Estimate, since: str, confidence: float) -> str:
        """Why a loss is not bounded, and what would help."""
        if not lost.units:
            return (
                f"Without questions of suite {suite!r} nothing bounds what was forgotten since {since}: set "
                f"evaluation.suites.{suite}, or evaluation.criteria.{self.criterion} = false (any loss will do)."
            )
        said = f"Suite {suite!r} seems to have lost {loss_text(found)} since {since}"
        if found.points > self.points:
            return f"{said}, beyond {self._said}."
        needed = lost.units_to_stay_below(self.points, confidence)
        advice = "no suite would be large enough" if needed is None else f"about {needed} would be needed"
        return f"{said}; {round(lost.units)} questions cannot tell that from more than {self._said}, {advice}."


def loss_text(e: Estimate) -> str:
    """A loss with its interval, in words.

    >>> loss_text(Estimate(1.0, -0.25, 2.25))
    '1.0 points (from -0.2 to 2.2)'
    """
    return f"{e.points:.1f} points (from {e.low:.1f} to {e.high:.1f})"

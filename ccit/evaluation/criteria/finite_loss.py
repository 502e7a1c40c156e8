"""A model that is broken, whatever it answers."""

from __future__ import annotations

import math
from typing import Literal

from ccit.plugins import PluginSettings, plugin
from ccit.ports.evaluation import CriterionContext, Evidence
from ccit.records import Finding


@plugin("criterion")
class FiniteLoss:
    """The candidate's loss on the round's validation part is a finite number.

    Example
    -------
    >>> from ccit.records import Spend, SuiteResults
    >>> sound, broken = SuiteResults({}, 1.5, Spend()), SuiteResults({}, math.inf, Spend())
    >>> FiniteLoss(FiniteLoss.Settings(), CriterionContext(())).finding(
    ...     Evidence(broken, sound, sound, 0, 0, 1, 0.97, 0.99)
    ... ).outcome
    'hold'
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["finite_loss"] = "finite_loss"

    tests = 0  # no chance is in it

    def __init__(self, settings: Settings, context: CriterionContext) -> None:
        pass

    def finding(self, evidence: Evidence) -> Finding:
        """Whether it is finite."""
        if math.isfinite(evidence.candidate.validation_loss):
            return Finding("finite_loss", "promote", "The loss on the validation part is finite.")
        return Finding("finite_loss", "hold", "The candidate's loss on the validation part is not finite.")

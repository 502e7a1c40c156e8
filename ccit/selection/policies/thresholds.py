"""The paper's selection: what no check refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.selection.policies.stateless import Stateless


@plugin("policy")
class ThresholdsPolicy(Stateless):
    """Takes every sample that no check refused.

    Fixed thresholds on language, length, novelty, diversity and IFD are the selection of Lin et al. 2025, arXiv
    2503.15924; each check has its own.

    Example
    -------
    >>> from ccit.records import Sample
    >>> policy = ThresholdsPolicy(ThresholdsPolicy.Settings(), PolicyContext(seed=0))
    >>> policy.choose([Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), ())])
    [None]
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    reasons: ClassVar[Reasons] = {}

    class Settings(PluginSettings):
        """Nothing to set: the thresholds are the checks'."""

        kind: Literal["thresholds"] = "thresholds"

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        pass

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """All of it."""
        return [None] * len(batch)

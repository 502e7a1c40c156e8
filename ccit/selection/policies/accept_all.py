"""The first baseline: everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.selection.policies.stateless import Stateless


@plugin("policy")
class AcceptAllPolicy(Stateless):
    """Takes every sample that is no copy: the baseline of every selection.

    No check runs. Exact duplicates are refused under every policy: at-least-once delivery makes some of them, and a
    record is decided once.

    Example
    -------
    >>> from ccit.records import Sample
    >>> policy = AcceptAllPolicy(AcceptAllPolicy.Settings(), PolicyContext(seed=0))
    >>> policy.choose([Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), ())])
    [None]
    """

    needs: ClassVar[tuple[str, ...] | None] = ()
    reasons: ClassVar[Reasons] = {}

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["accept_all"] = "accept_all"

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        pass

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """All of it."""
        return [None] * len(batch)

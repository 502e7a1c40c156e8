"""A round for every few samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled


@plugin("trigger")
class EverySample:
    """Due when `count` samples wait, whatever the size of a full round.

    Example
    -------
    >>> trigger = EverySample(EverySample.Settings(), TriggerContext(size=1000, min_size=10))
    >>> trigger.due([], now=0.0) is None
    True
    """

    whole_pool: ClassVar[bool] = False

    class Settings(PluginSettings):
        """How many samples start a round."""

        kind: Literal["every_sample"] = "every_sample"
        count: int = Field(12, ge=1, description="samples that start a round")

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._count = settings.count
        self._seen = 0

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Count what was decided."""
        self._seen += len(decisions)

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None."""
        if len(pool) < self._count:
            return None
        numbers = {"pooled": float(len(pool)), "seen": float(self._seen)}
        return Due("every_sample", f"{len(pool)} samples wait, {self._count} start a round", numbers)

"""Enough samples have gathered: the paper's trigger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled


@plugin("trigger")
class SizeTrigger:
    """Due when the pool holds as many samples as a full round takes (`rounds.size`).

    Lin et al. 2025, arXiv 2503.15924, start a round at a number of accepted samples.

    Example
    -------
    >>> trigger = SizeTrigger(SizeTrigger.Settings(), TriggerContext(size=1, min_size=1))
    >>> trigger.due([], now=0.0) is None
    True
    """

    whole_pool: ClassVar[bool] = False

    class Settings(PluginSettings):
        """Nothing to set: the size of a round is `rounds.size`."""

        kind: Literal["size"] = "size"

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._size = context.size

    def observe(self, decisions: Sequence[Decision]) -> None:
        """The pool says it all."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        if len(pool) < self._size:
            return None
        numbers = {"pooled": float(len(pool)), "size": float(self._size)}
        return Due("size", f"{len(pool)} samples pooled, {self._size} start a round", numbers)

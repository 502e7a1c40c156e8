"""At fixed times, whatever waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled


@plugin("trigger")
class IntervalTrigger:
    """Due once in each interval: at multiples of `seconds` (UTC, plus `offset`) if `rounds.min_size` samples wait.

    A sample that came before such a time is trained on after it. Nothing is remembered: a round that could not start at
    the time itself starts at the next look, and one that was missed altogether is made up for, once. Never in
    `ccit replay`, which has no clock.

    Example
    -------
    >>> from ccit.records import Position, Sample
    >>> trigger = IntervalTrigger(IntervalTrigger.Settings(seconds=60), TriggerContext(size=1000, min_size=1))
    >>> waiting = [Pooled(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), Position(0, 0), pooled_at=100.0)]
    >>> trigger.due(waiting, now=119.0) is None, trigger.due(waiting, now=120.0).trigger
    (True, 'interval')
    """

    whole_pool: ClassVar[bool] = True

    class Settings(PluginSettings):
        """How often."""

        kind: Literal["interval"] = "interval"
        seconds: float = Field(86_400, gt=0, description="seconds from one round to the next")
        offset: float = Field(
            0, description="seconds after a multiple of `seconds` since 1970 (UTC); 7200 is 2 o'clock"
        )

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._seconds = settings.seconds
        self._offset = settings.offset
        self._min_size = context.min_size

    def observe(self, decisions: Sequence[Decision]) -> None:
        """The pool says it all."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        if len(pool) < max(1, self._min_size):
            return None
        oldest = min(pooled.pooled_at for pooled in pool)
        passed = self._number(now) - self._number(oldest)
        if passed < 1:
            return None
        said = f"{len(pool)} samples wait at a time for a round, every {self._seconds:.0f} s"
        return Due("interval", said, {"seconds": self._seconds, "passed": float(passed), "pooled": float(len(pool))})

    def _number(self, time: float) -> int:
        """Which interval a time lies in."""
        return int((time - self._offset) // self._seconds)

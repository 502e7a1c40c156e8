"""The oldest pooled sample has waited long enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled


@plugin("trigger")
class AgeTrigger:
    """Due when the oldest sample is `max_seconds` old and at least `rounds.min_size` have gathered.

    Example
    -------
    >>> from ccit.records import Position, Sample
    >>> trigger = AgeTrigger(AgeTrigger.Settings(max_seconds=60), TriggerContext(size=1000, min_size=1))
    >>> waiting = [Pooled(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), Position(0, 0), pooled_at=100.0)]
    >>> trigger.due(waiting, now=159.0) is None, trigger.due(waiting, now=160.0).numbers["age"]
    (True, 60.0)
    """

    whole_pool: ClassVar[bool] = True

    class Settings(PluginSettings):
        """How long a sample waits at most."""

        kind: Literal["age"] = "age"
        max_seconds: float = Field(86_400, gt=0, description="age of the oldest pooled sample that starts a round")

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._max_seconds = settings.max_seconds
        self._min_size = context.min_size

    def observe(self, decisions: Sequence[Decision]) -> None:
        """The pool says it all."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        if len(pool) < max(1, self._min_size):
            return None
        age = now - min(pooled.pooled_at for pooled in pool)
        if age < self._max_seconds:
            return None
        said = f"the oldest of {len(pool)} samples waits for {age:.0f} s, {self._max_seconds:.0f} s at most"
        return Due("age", said, {"age": age, "max_seconds": self._max_seconds, "pooled": float(len(pool))})

"""What waits is worth a round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled

_HOUR = 3600.0


@plugin("trigger")
class BenefitTrigger:
    """Due when what waits untrained, by its worth and by how long it has waited, has cost as much as a round.

    Modyn (Boether et al. 2025, arXiv 2312.06254) measures the delay of training by the area under the curve of data
    that came and was not trained on yet, and weighs it against the cost of a round. With v_i the value of the score
    `metric` that sample i was let in with (`missing` where it has none), and t_i the hours it waits:

        area = sum over the pool of v_i * t_i,          due when area >= cost, with `rounds.min_size` samples

    Where samples come at a steady rate, the sum of both costs over time is least when a round is made just as the area
    reaches its cost (Harris 1913: what is ordered at once). A flood of novel samples is trained on soon, a trickle of
    familiar ones late. Never in `ccit replay`, which has no clock: nothing waits there.

    Example
    -------
    >>> from ccit.records import Position, Sample
    >>> trigger = BenefitTrigger(BenefitTrigger.Settings(cost=3.0), TriggerContext(size=1000, min_size=1))
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> waiting = [Pooled(sample, Position(0, n), pooled_at=0.0) for n in range(4)]
    >>> trigger.due(waiting, now=3600.0).numbers["area"]  # four samples, an hour each
    4.0
    """

    whole_pool: ClassVar[bool] = True

    class Settings(PluginSettings):
        """What a round costs, and what a sample is worth."""

        kind: Literal["benefit"] = "benefit"
        cost: float = Field(
            5000,
            gt=0,
            description="what a round costs: hours that a sample of worth 1 might wait instead, over samples",
        )
        metric: str = Field("ifd", description="score of a sample that is its worth; empty counts each as `missing`")
        missing: float = Field(1.0, ge=0, description="worth of a sample without that score")

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._cost = settings.cost
        self._metric = settings.metric
        self._missing = settings.missing
        self._min_size = context.min_size

    def observe(self, decisions: Sequence[Decision]) -> None:
        """The pool says it all."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        if len(pool) < max(1, self._min_size):
            return None
        area = sum(self._worth(pooled) * max(0.0, now - pooled.pooled_at) / _HOUR for pooled in pool)
        if area < self._cost:
            return None
        said = f"{len(pool)} samples have waited {area:.0f} hours by their worth, a round costs {self._cost:g}"
        return Due("benefit", said, {"area": area, "cost": self._cost, "pooled": float(len(pool))})

    def _worth(self, pooled: Pooled) -> float:
        value = pooled.decision.value(self._metric) if pooled.decision is not None else None
        return self._missing if value is None else max(0.0, value)

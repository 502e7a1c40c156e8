"""Others have found a drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import TriggerContext
from ccit.records import Decision, Due, Pooled


@plugin("trigger")
class DriftTrigger:
    """Due when `samples` of the pool were let in with the annotation `annotation`.

    It finds nothing itself: `[drift.detectors]` do, and what is let in while a drift stands carries its cause
    (`ccit/drift/monitor.py`). Whoever else decides may annotate a decision, too. So what is called a drift, and its
    false alarms, are the detector's (a survey: Gama et al. 2014, A survey on concept drift adaptation). A new source, a
    new template and other answers to known questions are no reason to hurry: these causes are `ignored`.

    Example
    -------
    >>> from ccit.records import Position, Sample
    >>> trigger = DriftTrigger(DriftTrigger.Settings(samples=1), TriggerContext(size=1000, min_size=1))
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> marked = Decision(sample, True, "accepted", annotations={"drift": "new_knowledge"})
    >>> trigger.due([Pooled(sample, Position(0, 0), 0.0, marked)], now=0.0).numbers["marked"]
    1.0
    """

    whole_pool: ClassVar[bool] = True

    class Settings(PluginSettings):
        """What it listens to."""

        kind: Literal["drift"] = "drift"
        annotation: str = Field("drift", min_length=1, description="name of the annotation that marks a sample")
        ignored: tuple[str, ...] = Field(
            ("source", "form", "answers"), description="causes (values of the annotation) that do not count"
        )
        samples: int = Field(50, ge=1, description="marked samples in the pool that start a round")

    def __init__(self, settings: Settings, context: TriggerContext) -> None:
        self._annotation = settings.annotation
        self._ignored = frozenset(settings.ignored)
        self._samples = settings.samples
        self._min_size = context.min_size

    def observe(self, decisions: Sequence[Decision]) -> None:
        """The pool says it all."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        marked = sum(map(self._counts, pool))
        if len(pool) < max(1, self._min_size) or marked < self._samples:
            return None
        said = f"{marked} of {len(pool)} samples are marked as {self._annotation}, {self._samples} start a round"
        return Due(
            "drift", said, {"marked": float(marked), "samples": float(self._samples), "pooled": float(len(pool))}
        )

    def _counts(self, pooled: Pooled) -> bool:
        cause = pooled.decision.annotations.get(self._annotation) if pooled.decision is not None else None
        return cause is not None and cause not in self._ignored

"""A quota: no source fills the pool alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.records import Decision, Sample


@plugin("policy")
class PerSource:
    """Takes at most `most` samples of each source.

    Example
    -------
    >>> policy = PerSource(PerSource.Settings(most=1), PolicyContext(seed=0))
    >>> batch = [Scored(Sample(f"s{n}", f"r{n}", "ward", "en", "Dose?", f"{n} mg."), ()) for n in range(2)]
    >>> policy.choose(batch)
    [None, 'source_is_full']
    """

    needs: ClassVar[tuple[str, ...] | None] = ("length",)
    stateful: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {"source_is_full": ("Source is full", "its source has given as many as it may")}

    class Settings(PluginSettings):
        """How many a source may give."""

        kind: Literal["per_source"] = "per_source"
        most: int = Field(8, ge=1, description="accepted samples of one source")

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        self._most = settings.most
        self._known: Counter[str] = Counter()
        self._chosen: Counter[str] = Counter()  # not committed yet

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """One after the other, as long as their source has room."""
        return [self._choice(scored.sample) for scored in batch]

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Count them in."""
        self._known.update(decision.sample.source for decision in decisions)

    def commit(self) -> None:
        """What was chosen is known."""
        self._known.update(self._chosen)
        self._chosen.clear()

    def abort(self) -> None:
        """What was chosen was not."""
        self._chosen.clear()

    def snapshot(self) -> Mapping[str, Any]:
        """How many of each source."""
        return {"sources": dict(sorted(self._known.items()))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the counts back."""
        if set(state) != {"sources"}:
            raise ValueError(f"expected counts of sources, found {sorted(state)}")
        self._known = Counter(state["sources"])

    def _choice(self, sample: Sample) -> str | None:
        if self._known[sample.source] + self._chosen[sample.source] >= self._most:
            return "source_is_full"
        self._chosen[sample.source] += 1
        return None

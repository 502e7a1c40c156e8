"""Samples of earlier rounds, so that old knowledge stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import pick_evenly


@plugin("source")
class ReplaySource:
    """Samples of earlier rounds, drawn evenly over groups, each at most once in a round.

    Experience replay (Rolnick et al. 2019, arXiv 1811.11682). Each round draws anew: `k` rounds of `n` out of `N`
    samples touch about `N (1 - (1 - n/N)^k)` different ones.

    Example
    -------
    >>> history = [Sample(f"s{i}", f"r{i}", "ward", "en", "Dose?", "5 mg.") for i in range(10)]
    >>> source = ReplaySource(ReplaySource.Settings(ratio=0.5), SourceContext(seed=0, rows=lambda path: []))
    >>> len(source.pick(Draft(training=history[:4], history=history, salt="round 1")))
    2
    """

    class Settings(PluginSettings):
        """How much is replayed."""

        kind: Literal["replay"] = "replay"
        ratio: float = Field(0.25, ge=0, description="samples of earlier rounds per new one")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        self._ratio = settings.ratio
        self._seed = context.seed

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """Draw from the history."""
        wanted = round(len(draft.training) * self._ratio)
        return self.texts(pick_evenly(draft.history, wanted, self._seed, draft.salt), draft.history)

    def texts(self, ids: Sequence[str], history: Sequence[Sample]) -> Sequence[Sample]:
        """The samples behind ids; `KeyError` where the log holds one no longer."""
        known = {sample.sample_id: sample for sample in history}
        return [known[sample_id] for sample_id in ids]

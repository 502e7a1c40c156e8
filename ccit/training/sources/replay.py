"""Samples of earlier rounds, so that old knowledge stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import pick_evenly
from ccit.training.sources.earlier import EarlierSamples


@plugin("source")
class ReplaySource(EarlierSamples):
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
        max_repeats: int = Field(0, ge=0, description="promoted rounds that may pick the same sample; 0 is no bound")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings.ratio, settings.max_repeats, context.seed)

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """From each group in turn."""
        return pick_evenly(eligible, wanted, self.seed, draft.salt)

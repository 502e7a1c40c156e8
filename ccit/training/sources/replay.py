"""Samples of earlier rounds, so that old knowledge stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ccit.plugins import plugin
from ccit.ports.rounds import Draft
from ccit.records import Sample
from ccit.training.mixture import pick_evenly
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings


@plugin("source")
class ReplaySource(EarlierSamples):
    """Samples of earlier rounds, drawn evenly over groups, each at most once in a round.

    Experience replay (Rolnick et al. 2019, arXiv 1811.11682). Each round draws anew: `k` rounds of `n` out of `N`
    samples touch about `N (1 - (1 - n/N)^k)` different ones.

    Example
    -------
    >>> from ccit.ports.rounds import SourceContext
    >>> history = [Sample(f"s{i}", f"r{i}", "ward", "en", "Dose?", "5 mg.") for i in range(10)]
    >>> source = ReplaySource(ReplaySource.Settings(ratio=0.5), SourceContext(seed=0, rows=lambda path: []))
    >>> len(source.pick(Draft(training=history[:4], history=history, salt="round 1")))
    2
    """

    class Settings(EarlierSettings):
        """How much is replayed."""

        kind: Literal["replay"] = "replay"

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """From each group in turn."""
        return pick_evenly(eligible, wanted, self.seed, draft.salt)

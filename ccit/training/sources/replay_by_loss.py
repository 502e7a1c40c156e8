"""Samples of earlier rounds, the hard ones more often."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Decision, Sample
from ccit.training.mixture import weighted_order
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings


@plugin("source")
class ReplayByLoss(EarlierSamples):
    """Draws earlier samples without replacement, each draw in proportion to loss^power among those that are left.

    Prioritised replay (Schaul et al. 2016, arXiv 1511.05952) with the loss as the priority: that of the proxy when the
    sample was let in, the logarithm of its `ppl_conditional`, nats per token. It is not measured again. A sample whose
    loss is not known has the median of those that are. A draw and not the highest losses: among these are the wrong
    answers.

    Example
    -------
    >>> history = [Sample(f"s{i}", f"r{i}", "ward", "en", "Dose?", "5 mg.") for i in range(10)]
    >>> source = ReplayByLoss(ReplayByLoss.Settings(ratio=0.5), SourceContext(seed=0, rows=lambda path: []))
    >>> len(source.pick(Draft(training=history[:4], history=history, salt="round 1")))
    2
    """

    class Settings(EarlierSettings):
        """How much is replayed, and how much the loss counts."""

        kind: Literal["replay_by_loss"] = "replay_by_loss"
        power: float = Field(1.0, ge=0, description="exponent of the loss; 0 draws all alike")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._power = settings.power

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """By loss, and by lot."""
        losses = {sample.sample_id: _loss(draft.past.decisions.get(sample.sample_id)) for sample in eligible}
        known = [loss for loss in losses.values() if loss is not None]
        usual = statistics.median(known) if known else 1.0
        weights = {i: (usual if loss is None else loss) ** self._power for i, loss in losses.items()}
        return weighted_order(weights, self.seed, f"by loss {draft.salt}")[:wanted]


def _loss(decision: Decision | None) -> float | None:
    """Nats per token; None where the sample was let in without it."""
    perplexity = decision.value("ppl_conditional") if decision is not None else None
    return None if perplexity is None else max(0.0, math.log(max(1.0, perplexity)))

"""Samples of earlier rounds that are like the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import hash_order
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings
from ccit.training.spelling import cosine, shares


@plugin("source")
class ReplayNearest(EarlierSamples):
    """Draws among the earlier samples whose instructions are most like the round's own.

    What is like the new is changed most by learning it; maximally interfered retrieval (Aljundi et al. 2019, arXiv
    1908.04742) finds it by a trial step, this by the text: the cosine of the shares of three letters in a row with
    those of all new instructions together. The nearest `reach` times as many as are wanted are kept, and the round
    draws among them by lot. Cost: linear in the letters of the history; no model.

    Example
    -------
    >>> history = [Sample(q, q, "ward", "en", q, "5 mg.") for q in ("Dose of iron?", "Colour of grass?")]
    >>> new = [Sample("n", "n", "ward", "en", "Dose of zinc?", "9 mg.")]
    >>> source = ReplayNearest(ReplayNearest.Settings(ratio=1.0, reach=1.0), SourceContext(0, rows=lambda path: []))
    >>> [sample.instruction for sample in source.pick(Draft(new, history, "round 1"))]
    ['Dose of iron?']
    """

    class Settings(EarlierSettings):
        """How much is replayed, and how near it must be."""

        kind: Literal["replay_nearest"] = "replay_nearest"
        reach: float = Field(3.0, ge=1, description="nearest samples among which one is drawn, for each that is wanted")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._reach = settings.reach

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """By lot among the nearest."""
        new = shares(sample.instruction for sample in draft.training)
        nearness = {sample.sample_id: cosine(new, shares([sample.instruction])) for sample in eligible}
        order = hash_order(nearness, self.seed, f"nearest {draft.salt}")
        nearest = sorted(order, key=lambda sample_id: -nearness[sample_id])[: round(self._reach * wanted)]
        chosen = set(nearest)
        return [sample_id for sample_id in order if sample_id in chosen][:wanted]

"""Samples of earlier rounds from a memory of a fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import hash_order
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings


@plugin("source")
class ReservoirSource(EarlierSamples):
    """Draws from a reservoir: `capacity` samples of all earlier ones, each with the same chance to be among them.

    Reservoir sampling (Vitter 1985), as a memory for replay in Chaudhry et al. 2019 (arXiv 1902.10486), who found a
    tiny one to be enough. Here it keeps the samples whose hash of seed and id is the lowest: that is a uniform draw
    which a later sample enters as the algorithm lets it in, and which needs no state and no order of arrival. A large
    group has a large part of it; `replay` draws evenly over groups.

    Example
    -------
    >>> history = [Sample(f"s{i}", f"r{i}", "ward", "en", "Dose?", "5 mg.") for i in range(100)]
    >>> settings = ReservoirSource.Settings(ratio=1.0, capacity=3)
    >>> source = ReservoirSource(settings, SourceContext(seed=0, rows=lambda path: []))
    >>> rounds = [source.pick(Draft(history[:9], history, f"round {n}")) for n in range(2)]
    >>> len(rounds[0]), set(rounds[0]) == set(rounds[1])  # the memory stays, and it is small
    (3, True)
    """

    class Settings(EarlierSettings):
        """How much is replayed, and from how large a memory."""

        kind: Literal["reservoir"] = "reservoir"
        capacity: int = Field(1000, ge=1, description="samples that the memory holds")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._capacity = settings.capacity

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """From the reservoir, anew in each round."""
        held = hash_order({sample.sample_id for sample in draft.history}, self.seed, "reservoir")[: self._capacity]
        allowed = {sample.sample_id for sample in eligible}.intersection(held)
        return hash_order(allowed, self.seed, f"reservoir {draft.salt}")[:wanted]

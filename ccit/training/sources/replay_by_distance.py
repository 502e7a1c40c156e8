"""Samples of earlier rounds, more of those groups that the new ones are far from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ccit.plugins import plugin
from ccit.ports.rounds import Draft
from ccit.records import Sample
from ccit.training.mixture import weighted_order
from ccit.training.sources.earlier import EarlierSamples, EarlierSettings
from ccit.training.spelling import shares, total_variation


@plugin("source")
class ReplayByDistance(EarlierSamples):
    """Shares the replayed samples out among groups in proportion to their distance from the new instructions.

    InsCL (Wang et al. 2024, arXiv 2403.11435) replays more of the tasks that differ more from the new one, by the
    Wasserstein distance of their instructions. Here the groups (sources where there is none) are the tasks, and the
    distance is that of the shares of three letters in a row, with a cost of 1 for whatever must be moved: the total
    variation. Each draw is in proportion to distance / samples of the group, so a group's part does not grow with its
    size. InsCL's choice within a task, by tags that a large model gives, is left out. Cost: linear in the letters of
    the history; no model.

    Example
    -------
    >>> from ccit.ports.rounds import SourceContext
    >>> history = [Sample(q, q, "ward", "en", q, "5 mg.", group=q) for q in ("Dose?", "Colour of grass?")]
    >>> source = ReplayByDistance(ReplayByDistance.Settings(ratio=1.0), SourceContext(0, rows=lambda path: []))
    >>> [sample.group for sample in source.pick(Draft(history[:1], history, "round 1"))]
    ['Colour of grass?']
    """

    class Settings(EarlierSettings):
        """How much is replayed."""

        kind: Literal["replay_by_distance"] = "replay_by_distance"

    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """By the distance of its group, and by lot."""
        new = shares(sample.instruction for sample in draft.training)
        groups: dict[str, list[Sample]] = {}
        for sample in eligible:
            groups.setdefault(sample.group or sample.source, []).append(sample)
        weights: dict[str, float] = {}
        for members in groups.values():
            distance = total_variation(new, shares(sample.instruction for sample in members))
            weights |= {sample.sample_id: distance / len(members) for sample in members}
        return weighted_order(weights, self.seed, f"distance {draft.salt}")[:wanted]

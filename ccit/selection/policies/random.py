"""The second baseline: a draw by lot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.selection.lots import lot
from ccit.selection.policies.stateless import Stateless


@plugin("policy")
class RandomPolicy(Stateless):
    """Draws each sample with one probability, whatever is in it: the control arm of a selection.

    Set `share` to the selection's accepted tokens divided by all tokens that arrived, and both arms train on the same
    number of tokens in expectation. The draw is a hash of seed and sample id: it depends neither on the order of the
    stream nor on the process that makes it. No check runs.

    Example
    -------
    >>> from ccit.records import Sample
    >>> policy = RandomPolicy(RandomPolicy.Settings(share=0.0), PolicyContext(seed=1))
    >>> policy.choose([Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), ())])
    ['not_drawn']
    """

    needs: ClassVar[tuple[str, ...] | None] = ()
    reasons: ClassVar[Reasons] = {
        "not_drawn": ("Not drawn", "left out by lot: the random arm that selection is compared with")
    }

    class Settings(PluginSettings):
        """How many are drawn."""

        kind: Literal["random"] = "random"
        share: float = Field(
            0.25,
            ge=0,
            le=1,
            description="share of the samples that is drawn; for equal tokens, the share of all tokens that "
            "`thresholds` lets in",
        )

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        self._share = settings.share
        self._seed = context.seed

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """None for a drawn sample, `not_drawn` otherwise."""
        lots = [lot(self._seed, "random", scored.sample.sample_id) for scored in batch]
        return [None if drawn < self._share else "not_drawn" for drawn in lots]

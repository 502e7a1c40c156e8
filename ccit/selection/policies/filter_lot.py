"""The honest default of a selection: leave out what is wrong, and draw the rest by lot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.selection.lots import lot
from ccit.selection.policies.stateless import Stateless


@plugin("policy")
class FilterLotPolicy(Stateless):
    """Draws by lot among what no check called wrong, up to a share.

    Ranking by IFD, novelty or surprise prefers noise: with a quarter of the answers wrong, every top share by them lost
    to as many tokens at random, and refusing what is wrong before drawing at random won. Set the checks so that they
    refuse what is wrong and not what is easy, and the share so that the rest fits what may be trained on.

    Example
    -------
    >>> from ccit.records import Sample
    >>> policy = FilterLotPolicy(FilterLotPolicy.Settings(share=0.0), PolicyContext(seed=0))
    >>> policy.choose([Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), ())])
    ['over_budget']
    """

    reasons: ClassVar[Reasons] = {
        "over_budget": ("Over the budget", "nothing is wrong with it; left out by lot to keep to the share")
    }

    class Settings(PluginSettings):
        """What is filtered by, and how much is drawn."""

        kind: Literal["filter_lot"] = "filter_lot"
        share: float = Field(0.5, ge=0, le=1, description="share that is drawn of the samples that no check refused")
        metrics: tuple[str, ...] | None = Field(
            None, description="metrics whose checks filter, as `ccit plugins` names them; all that are on without it"
        )

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        self.needs = settings.metrics
        self._share = settings.share
        self._seed = context.seed

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """None for a drawn sample, `over_budget` otherwise."""
        lots = [lot(self._seed, "filter_lot", scored.sample.sample_id) for scored in batch]
        return [None if drawn < self._share else "over_budget" for drawn in lots]

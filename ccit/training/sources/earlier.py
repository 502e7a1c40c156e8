"""What the sources of earlier samples share: how many are wanted, and how often one may come again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import Field

from ccit.plugins import PluginSettings
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample


class EarlierSettings(PluginSettings):
    """How much is replayed.

    Muennighoff et al. 2023 (arXiv 2305.16264) found four repetitions about as good as new text, and more than that
    worth less and less.
    """

    ratio: float = Field(0.25, ge=0, description="samples of earlier rounds per new one")
    max_repeats: int = Field(0, ge=0, description="promoted rounds that may pick the same sample; 0 is no bound")


class EarlierSamples(ABC):
    """Picks among samples of earlier rounds. A subclass says which in `drawn`."""

    def __init__(self, settings: EarlierSettings, context: SourceContext) -> None:
        self._ratio = settings.ratio
        self._max_repeats = settings.max_repeats
        self.seed = context.seed

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """Draw from the history."""
        wanted = round(len(draft.training) * self._ratio)
        picks, most = draft.past.picks, self._max_repeats
        eligible = [sample for sample in draft.history if not most or picks.get(sample.sample_id, 0) < most]
        return self.texts(self.drawn(eligible, wanted, draft), draft.history)

    @abstractmethod
    def drawn(self, eligible: Sequence[Sample], wanted: int, draft: Draft) -> Sequence[str]:
        """Ids of at most `wanted` of the eligible samples, each once, whatever their order."""

    def texts(self, ids: Sequence[str], history: Sequence[Sample]) -> Sequence[Sample]:
        """The samples behind ids; `KeyError` where the log holds one no longer."""
        known = {sample.sample_id: sample for sample in history}
        return [known[sample_id] for sample_id in ids]

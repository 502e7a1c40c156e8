"""What the sources of earlier samples share: how many are wanted, and how often one may come again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ccit.ports.rounds import Draft
from ccit.records import Sample


class EarlierSamples(ABC):
    """Picks among samples of earlier rounds. A subclass says which in `drawn`.

    Parameters
    ----------
    ratio : float
        Samples per new one.
    max_repeats : int
        A sample that so many promoted rounds have picked is not picked again; 0 is no bound. Muennighoff et al. 2023
        (arXiv 2305.16264) found four repetitions about as good as new text, and more than that worth less and less.
    """

    def __init__(self, ratio: float, max_repeats: int, seed: int) -> None:
        self._ratio = ratio
        self._max_repeats = max_repeats
        self.seed = seed

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

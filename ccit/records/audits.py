"""How far the proxy ranks samples as the deployed model does: Concordance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concordance:
    """Of two models that scored the same samples under one version; `ccit/scoring/concordance.py` measures it.

    Parameters
    ----------
    pairs : int
        Samples that both have scored.
    correlation, low, high : float
        Spearman's rank correlation, -1 to 1, with its interval of 95 %.
    overlap : float
        Share of the top third by the one that is in the top third by the other, 0 to 1; chance gives a third.
    """

    version: int
    pairs: int
    correlation: float
    low: float
    high: float
    overlap: float

    def fails(self, least: float) -> bool:
        """Whether the whole interval is below `least`.

        >>> Concordance(3, 40, 0.3, 0.0, 0.55, 0.5).fails(0.5), Concordance(3, 200, 0.3, 0.17, 0.42, 0.5).fails(0.5)
        (False, True)
        """
        return self.high < least

    def __str__(self) -> str:
        return (
            f"version {self.version}: rank correlation {self.correlation:.2f} [{self.low:.2f}, {self.high:.2f}], "
            f"overlap of the top thirds {self.overlap:.0%}, {self.pairs} samples"
        )

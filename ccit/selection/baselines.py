"""What every selection is compared with: taking everything, and drawing by lot (`selection.rule`).

Exact duplicates are refused under every rule: at-least-once delivery makes some of them, and a record is decided once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ccit.records import Reason, Sample, Score


class AcceptAll:
    """Lets every sample pass.

    >>> AcceptAll().refuse(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), {}) is None
    True
    """

    def refuse(self, sample: Sample, scores: Mapping[str, Score]) -> Reason | None:
        """None, always."""
        return None


class RandomAtEqualTokens:
    """Draws each sample with one probability, whatever is in it: the control arm of a selection.

    Set `share` to the selection's accepted tokens divided by all tokens that arrived, and both arms train on the same
    number of tokens in expectation. The draw is a hash of seed and sample id: it depends neither on the order of the
    stream nor on the process that makes it.

    Parameters
    ----------
    share : float
        Probability of acceptance, 0 to 1.
    seed : int
        Another seed is another draw.

    Example
    -------
    >>> rule = RandomAtEqualTokens(share=0.0, seed=1)
    >>> rule.refuse(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), {})
    <Reason.NOT_DRAWN: 'not_drawn'>
    """

    def __init__(self, share: float, seed: int) -> None:
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"expected a share from 0 to 1, found {share}")
        self._share = share
        self._seed = seed

    def refuse(self, sample: Sample, scores: Mapping[str, Score]) -> Reason | None:
        """None for a drawn sample, `not_drawn` otherwise."""
        drawn = hashlib.sha256(f"{self._seed}\0{sample.sample_id}".encode()).digest()
        return None if int.from_bytes(drawn[:8], "big") / 2**64 < self._share else Reason.NOT_DRAWN

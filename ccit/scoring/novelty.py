"""Novelty of a Sample: 1 - cosine to its nearest neighbour among everything pooled or trained.

0 is a copy, 1 is unrelated, 2 is the most there can be: nothing to compare with. The neighbours are found by
`ccit/scoring/index.py`; which samples count is decided by `ccit/selection/admitted.py`.
"""

from __future__ import annotations

from ccit.records import Score
from ccit.scoring import claims
from ccit.scoring.spaces import SAMPLE, STATEMENT


def novelty_score(similarity: float, embedder_stamp: str, space: str = SAMPLE) -> Score:
    """The Score for the highest cosine to anything known in a space; -1 where nothing is known.

    >>> novelty_score(-1.0, "e").value
    2.0
    """
    of = {SAMPLE: "", STATEMENT: f" statement {claims.VERSION}"}.get(space, f" {space}")
    return Score("novelty", 1.0 - similarity, f"novelty.v1 1-max-cosine{of} {embedder_stamp}")

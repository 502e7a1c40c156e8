"""Novelty of a Sample: 1 - cosine to its nearest neighbour among everything pooled or trained.

0 is a copy, 1 is unrelated, 2 is the most there can be: nothing to compare with. The neighbours are found by
`ccit/scoring/index.py`; which samples count is decided by `ccit/selection/memory.py`.
"""

from __future__ import annotations

from ccit.records import Sample, Score


def novelty_text(sample: Sample) -> str:
    """What of a sample is embedded: the last exchange first, then the history from the latest turn back.

    Embedders cut long texts at the end (all-MiniLM-L6-v2 after 256 word pieces), and what is cut should be old turns.

    >>> novelty_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    'Dose?\\n5 mg.'
    """
    turns = [sample.instruction, sample.response]
    for turn in reversed(sample.history):
        turns += [turn.user, turn.assistant]
    return "\n".join(turns)


def novelty_score(similarity: float, embedder_stamp: str) -> Score:
    """The Score for the highest cosine to anything known; -1 where nothing is known.

    >>> novelty_score(-1.0, "e").value
    2.0
    """
    return Score("novelty", 1.0 - similarity, f"novelty.v1 1-max-cosine {embedder_stamp}")

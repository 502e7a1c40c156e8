"""Semantic diversity within one response: the mean of 1 - cosine over all pairs of its sentences.

The paper prints 1 - sum of cos over k<l / (m(m-1)) (arXiv 2503.15924). There are m(m-1)/2 such pairs, so the printed
value is (1 + D) / 2 of the mean D computed here: it never falls below 0.5 (unless sentences oppose each other), and a
threshold of 0.5 on it refuses nothing. The mean over pairs needs 2/(m(m-1)).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from ccit.ports import Embedder
from ccit.records import Sample, Score
from ccit.scoring.sentences import split_sentences

ONE_SENTENCE = "one sentence has no pairs"


class DiversityScorer:
    """Scores the sentences of each response against each other; all sentences of a batch are embedded at once.

    Parameters
    ----------
    embedder : Embedder
        Gives unit vectors of sentences.
    """

    metric = "diversity"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._stamp = f"diversity.v1 mean-pairwise sentences.v1 {embedder.stamp}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `diversity` per sample, 0 (all alike) to 2 (opposite); unscored below two sentences."""
        sentences = [split_sentences(s.response) for s in samples]
        counted = [own if len(own) > 1 else [] for own in sentences]
        flat = [sentence for own in counted for sentence in own]
        if not flat:
            return [(self._unscored(),) for _ in samples]
        vectors = self._embedder.embed(flat)
        bounds = [0, *accumulate(len(own) for own in counted)]
        return [(self._scored(vectors[a:b]) if b > a else self._unscored(),) for a, b in pairwise(bounds)]

    def _scored(self, vectors: npt.NDArray[np.float32]) -> Score:
        return Score("diversity", mean_pairwise_distance(vectors), self._stamp)

    def _unscored(self) -> Score:
        return Score("diversity", None, self._stamp, unscored=ONE_SENTENCE)


def mean_pairwise_distance(vectors: npt.NDArray[np.float32]) -> float:
    """Mean of 1 - cosine over the m(m-1)/2 pairs of rows (m, d), m >= 2, in O(m d).

    The cosines of all pairs sum to (|sum of unit rows|^2 - m) / 2.

    >>> round(mean_pairwise_distance(np.eye(3, dtype=np.float32)), 6)
    1.0
    """
    rows = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    m = len(unit)
    total = unit.sum(axis=0)
    mean_cosine = (float(total @ total) - float((unit * unit).sum())) / (m * (m - 1))
    return min(2.0, max(0.0, 1.0 - mean_cosine))

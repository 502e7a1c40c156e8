"""Semantic diversity within one response: the mean of 1 - cosine over all pairs of its sentences.

The paper prints 1 - sum of cos over k<l / (m(m-1)) (arXiv 2503.15924). There are m(m-1)/2 such pairs, so the printed
value is (1 + D) / 2 of the mean D computed here: it never falls below 0.5 (unless sentences oppose each other), and a
threshold of 0.5 on it refuses nothing. The mean over pairs needs 2/(m(m-1)).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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

"""Whether two sets of vectors come from one distribution: maximum mean discrepancy, tested by permutation.

Gretton et al. 2012, A kernel two-sample test (JMLR 13): for sets A and B and a kernel k,

    MMD^2 = mean k(a, a') + mean k(b, b') - 2 mean k(a, b)

which is w' K w with w = 1/|A| on A and -1/|B| on B. Here k(x, y) = exp(-|x - y|^2 / (2 m)) with m the median of the
squared distances. Where both come from one distribution, every way to deal the vectors to two sets of these sizes is as
likely as the one found; so the share of random ways that lie as far apart is a p-value, exact for any distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccit.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Distance:
    """Squared distance of two sets, its mean by chance, and the p-value: at least 1 / (permutations + 1)."""

    squared: float
    by_chance: float
    p: float


def distance(left: Vectors, right: Vectors, permutations: int, seed: int) -> Distance:
    """Compare two sets of vectors, (n, d) and (m, d), neither of them empty.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(0, 1, (30, 4)), rng.normal(1, 1, (30, 4))
    >>> distance(near, far, 999, seed=0).p
    0.001
    >>> distance(near, rng.normal(0, 1, (30, 4)), 999, seed=0).p > 0.05
    True
    """
    joined = np.concatenate([left, right]).astype(np.float64)
    lengths = (joined**2).sum(axis=1)
    squares = np.maximum(lengths[:, None] + lengths[None, :] - 2 * joined @ joined.T, 0.0)
    median = float(np.median(squares[np.triu_indices(len(joined), 1)]))
    kernel = np.exp(-squares / (2 * max(median, 1e-12)))
    weights = np.concatenate([np.full(len(left), 1 / len(left)), np.full(len(right), -1 / len(right))])
    dealt = np.random.default_rng(seed).permuted(np.tile(weights, (permutations, 1)), axis=1)
    found, chance = float(_forms(weights[None, :], kernel)[0]), _forms(dealt, kernel)
    as_far = int((chance >= found - 1e-12).sum())  # ways that deal alike differ by rounding
    return Distance(found, float(chance.mean()), (as_far + 1) / (permutations + 1))


def _forms(weights: npt.NDArray[np.float64], kernel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """w' K w of each row."""
    forms: npt.NDArray[np.float64] = ((weights @ kernel) * weights).sum(axis=1)
    return forms

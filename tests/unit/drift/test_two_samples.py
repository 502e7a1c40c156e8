from __future__ import annotations

import numpy as np
import pytest

from ccit.drift.two_samples import distance
from ccit.vectors import Vectors


def test_the_distance_is_the_one_of_the_formula() -> None:
    """Against a plain double loop, to 1e-9."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 1, (7, 3)).astype(np.float32), rng.normal(1, 1, (5, 3)).astype(np.float32)
    joined = np.concatenate([left, right]).astype(float)
    squares = [((a - b) ** 2).sum() for n, a in enumerate(joined) for b in joined[n + 1 :]]
    median = np.median(squares)

    def mean(ours: Vectors, theirs: Vectors) -> float:
        pairs = [(a.astype(float), b.astype(float)) for a in ours for b in theirs]
        return float(np.mean([np.exp(-((a - b) ** 2).sum() / (2 * median)) for a, b in pairs]))

    expected = mean(left, left) + mean(right, right) - 2 * mean(left, right)
    assert distance(left, right, 9, seed=0).squared == pytest.approx(expected, abs=1e-9)


def test_of_equal_distributions_the_p_values_are_even() -> None:
    rng = np.random.default_rng(1)

    def drawn(count: int) -> Vectors:
        rows: Vectors = rng.normal(0, 1, (count, 3)).astype(np.float32)
        return rows

    found = [distance(drawn(15), drawn(20), 99, seed=n).p for n in range(200)]
    assert 0.02 <= np.mean(np.asarray(found) <= 0.1) <= 0.18
    assert min(found) >= 0.01


def test_vectors_that_are_all_alike_are_no_change() -> None:
    same = np.ones((10, 4), dtype=np.float32)
    assert distance(same, same, 99, seed=0).p == 1.0

from __future__ import annotations

import random

import numpy as np
import pytest

from ccit.records import Decision, Score
from ccit.scoring.concordance import Concordances, concordance, spearman
from tests.nouns import sample


def decided(number: int, proxy: float | None, deployed: float | None, version: int = 0) -> Decision:
    scores = tuple(
        Score(metric, value, "t", "" if value is not None else "not finite")
        for metric, value in (("ifd", proxy), ("ifd_deployed", deployed))
    )
    return Decision(sample(number), True, "accepted", scores, version)


def noisy(count: int, noise: float, seed: int = 0) -> list[tuple[float, float]]:
    rng = random.Random(seed)
    return [((own := rng.gauss(0, 1)), own + noise * rng.gauss(0, 1)) for _ in range(count)]


def test_ties_share_their_mean_rank_and_what_is_alike_ranks_nothing() -> None:
    """Ranks 1, 2.5, 2.5, 4 and 4, 3, 2, 1: products of the differences from their means over both lengths."""
    found = spearman(np.array([1.0, 2.0, 2.0, 9.0]), np.array([4.0, 3.0, 2.0, 1.0]))
    assert found == pytest.approx(-4.5 / np.sqrt(4.5 * 5.0), abs=1e-9)
    assert spearman(np.ones(4), np.arange(4.0)) == 0.0


def test_the_interval_holds_the_correlation_of_the_population_as_often_as_it_says() -> None:
    """Of normal pairs with correlation r, Spearman's is 6 / pi * asin(r / 2)."""
    true = 6 / np.pi * np.arcsin((1 / np.sqrt(1 + 0.8**2)) / 2)
    found = [concordance(0, noisy(60, 0.8, seed)) for seed in range(200)]
    assert sum(one.low <= true <= one.high for one in found) / 200 == pytest.approx(0.95, abs=0.05)


def test_the_overlap_is_that_of_the_top_thirds() -> None:
    pairs = [(float(n), float(n if n < 6 else 14 - n)) for n in range(9)]  # the three highest come in another order
    assert concordance(0, pairs).overlap == 1.0
    assert concordance(0, [(float(n), float(-n)) for n in range(9)]).overlap == 0.0


def test_only_what_both_have_scored_counts_and_each_version_apart() -> None:
    gathered = Concordances()
    for n in range(10):
        gathered.add(decided(n, n / 10, (-n if version == 1 else n) / 10, version) for version in (1, 2))
        gathered.add([decided(n, n / 10, None, 2), decided(n, None, n / 10, 2)])
    assert [(one.version, one.pairs, one.correlation) for one in gathered.found] == [(1, 10, -1.0), (2, 10, 1.0)]


def test_few_pairs_tell_nothing() -> None:
    gathered = Concordances()
    gathered.add(decided(n, *pair) for n, pair in enumerate(noisy(9, 1.0)))
    assert gathered.found == ()


def test_a_version_that_a_rollback_made_active_again_stays() -> None:
    """It has the smallest number, and is what scores now."""
    gathered = Concordances(versions=2)
    for version in (1, 2, 3, 1):
        gathered.add(decided(n, *pair, version) for n, pair in enumerate(noisy(12, 0.1)))
    assert [(one.version, one.pairs) for one in gathered.found] == [(1, 12), (3, 12)]

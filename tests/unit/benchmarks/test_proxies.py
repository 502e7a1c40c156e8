import numpy as np
import pytest

from benchmarks.proxies import interval, spearman

RISING = np.arange(40.0)


def test_only_the_order_counts() -> None:
    assert spearman(RISING, np.exp(RISING)) == pytest.approx(1.0)
    assert spearman(RISING, -RISING) == pytest.approx(-1.0)


def test_the_interval_holds_the_correlation_and_narrows_with_more_rows() -> None:
    noise = np.random.default_rng(1).normal(0, 10, 400)
    many = np.arange(400.0) % 40
    low, high = interval(RISING, RISING + noise[:40], draws=200)
    assert low < spearman(RISING, RISING + noise[:40]) < high
    closer = interval(many, many + noise, draws=200)
    assert closer[1] - closer[0] < high - low

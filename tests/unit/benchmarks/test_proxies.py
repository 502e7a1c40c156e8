import numpy as np

from benchmarks.proxies import cells

RISING = np.arange(40.0)


def test_only_the_order_counts() -> None:
    assert cells(np.exp(RISING), RISING) == "1.000 (1.000 to 1.000) | 100%"
    assert cells(-RISING, RISING) == "-1.000 (-1.000 to -1.000) | 0%"

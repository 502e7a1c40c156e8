"""Where in a row of values their mean changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def change_point(values: Sequence[float], least: int = 5) -> int:
    """The number of values before the likeliest change of the mean, with at least `least` on each side.

    Of n values with equal variance, the maximum-likelihood place k of one change (Hinkley 1970, Inference about the
    change-point in a sequence of random variables) is

        argmax over k of  |mean(x_1..x_k) - mean(x_k+1..x_n)| * sqrt(k (n - k) / n)

    Raises
    ------
    ValueError
        There are fewer than 2 `least` values.

    Example
    -------
    >>> change_point([0.0] * 20 + [1.0] * 10)
    20
    """
    count = len(values)
    if count < 2 * least:
        raise ValueError(f"expected at least {2 * least} values, found {count}")
    sums = np.cumsum(np.asarray(values, dtype=np.float64))
    places = np.arange(least, count - least + 1)
    before = sums[places - 1] / places
    after = (sums[-1] - sums[places - 1]) / (count - places)
    weight = np.sqrt(places * (count - places) / count)
    return int(places[np.argmax(np.abs(before - after) * weight)])

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ccit.scoring.diversity import mean_pairwise_distance


@given(arrays.arrays(np.float32, st.tuples(st.integers(2, 9), st.just(5)), elements=st.floats(0.125, 1, width=16)))
def test_it_is_the_mean_over_pairs(raw: npt.NDArray[np.float32]) -> None:
    unit = raw.astype(np.float64) / np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
    pairs = [1 - float(a @ b) for a, b in combinations(unit, 2)]
    assert mean_pairwise_distance(raw) == pytest.approx(max(0.0, sum(pairs) / len(pairs)), abs=1e-12)

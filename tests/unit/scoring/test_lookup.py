from __future__ import annotations

import numpy as np
import pytest

from ccit.ports.vectors import Lookup
from ccit.records import Position
from ccit.scoring.index import ExactIndex
from ccit.scoring.lookup import LookupIndex
from ccit.vectors import quantise

ROWS = quantise(np.random.default_rng(0).normal(size=(200, 8)))
PLACES = [Position(n % 2, n) for n in range(200)]


def test_a_vector_comes_back_by_its_place_bit_for_bit() -> None:
    index = LookupIndex(8)
    index.add(ROWS[:150], PLACES[:150])
    index.add(ROWS[100:], PLACES[100:])
    assert np.array_equal(index.at([PLACES[170], PLACES[3]]), ROWS[[170, 3]])
    index.retain(lambda position: position.offset >= 50)
    assert np.array_equal(index.at([PLACES[170]]), ROWS[[170]])
    assert np.array_equal(index.vectors(), ROWS[50:])
    with pytest.raises(KeyError):
        index.at([PLACES[3]])


def test_what_is_only_searched_is_not_taken_for_it() -> None:
    assert isinstance(LookupIndex(8), Lookup)
    assert not isinstance(ExactIndex(8), Lookup)

"""What every index of rows shares."""

from __future__ import annotations

import numpy as np
import pytest

from ccit.records import Position
from ccit.scoring.rows import nearest_first, require_rows, require_some


@pytest.mark.parametrize("shape", [(1, 3), (2, 2), (0, 3)])
def test_there_is_one_vector_of_the_right_length_for_each_place(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"expected 2 vectors of 3 numbers, found shape"):
        require_rows(np.zeros(shape, dtype=np.float32), [Position(0, 0), Position(0, 1)], 3)
    require_rows(np.zeros((2, 3), dtype=np.float32), [Position(0, 0), Position(0, 1)], 3)


def test_none_is_not_looked_for() -> None:
    with pytest.raises(ValueError, match="at least 1 neighbour"):
        require_some(0)
    require_some(1)


def test_equally_similar_ones_are_in_the_order_of_the_log() -> None:
    places = [Position(1, 5), Position(0, 9), Position(0, 2), Position(2, 0)]
    found = nearest_first([0.5, 0.5, 0.5, 0.75], places)
    assert [one.position for one in found] == [Position(2, 0), Position(0, 2), Position(0, 9), Position(1, 5)]
    assert [one.similarity for one in found] == [0.75, 0.5, 0.5, 0.5]

from __future__ import annotations

import numpy as np
import pytest

from ccit.ports.vectors import SampleIndex
from ccit.scoring import clustered
from ccit.scoring.growing import GrowingIndex
from ccit.scoring.index import ExactIndex
from tests.unit.scoring.test_clustered import ASKED, AT, ROWS, index


def exactly(count: int) -> SampleIndex:
    found = ExactIndex(32)
    found.add(ROWS[:count], AT[:count])
    return found


def test_it_is_exact_up_to_its_bound_and_clustered_beyond_there_and_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clustered, "_PROBED", 1)  # so that something is missed
    growing = GrowingIndex(32, exact_up_to=500)
    growing.add(ROWS[:500], AT[:500])
    growing.add(ROWS[:500], AT[:500])  # nothing new
    assert growing.search(ASKED, 5) == exactly(500).search(ASKED, 5)
    growing.add(ROWS[500:], AT[500:])
    assert growing.search(ASKED, 5) == index(range(2600)).search(ASKED, 5) != exactly(2600).search(ASKED, 5)
    assert np.array_equal(growing.vectors(), ROWS)
    growing.retain(lambda position: position in set(AT[:400]))
    assert growing.search(ASKED, 5) == exactly(400).search(ASKED, 5)

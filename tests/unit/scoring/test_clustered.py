from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.ports.vectors import Vectors
from ccit.records import Position
from ccit.scoring.clustered import ClusteredIndex
from ccit.scoring.index import ExactIndex
from ccit.vectors import quantise

FIRST = 500


def groups(count: int, seed: int, dimension: int = 32) -> Vectors:
    """Vectors around 60 centres, as texts lie around subjects."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(60, dimension))
    return quantise(centres[draw.integers(0, 60, count)] + 0.5 * draw.normal(size=(count, dimension)))


def places(count: int) -> list[Position]:
    return [Position(n % 3, n // 3) for n in range(count)]


ROWS, AT, ASKED = groups(2600, 1), places(2600), groups(200, 2)


def index(numbers: Sequence[int]) -> ClusteredIndex:
    made = ClusteredIndex(32, FIRST)
    made.add(ROWS[list(numbers)], [AT[n] for n in numbers])
    return made


def test_nearly_all_nearest_neighbours_are_found_and_their_cosines_are_exact() -> None:
    exact = ExactIndex(32)
    exact.add(ROWS, AT)
    pairs = list(zip(index(range(2600)).search(ASKED, 3), exact.search(ASKED, 3), strict=True))
    assert sum(found[0] == best[0] for found, best in pairs) >= 0.95 * len(ASKED)
    exactly = {(near.position, near.similarity) for near in exact.search(ASKED[:1], 2600)[0]}
    assert all((near.position, near.similarity) in exactly for near in pairs[0][0])


@given(order=st.permutations(range(5)), searched=st.booleans())
@settings(max_examples=12, deadline=None)
def test_what_is_found_follows_from_the_rows_and_not_from_how_they_came(order: list[int], searched: bool) -> None:
    """A scorer that was there from the start, and one that reads the topic anew, partition by partition or not."""
    once, bits = index(range(2600)), ClusteredIndex(32, FIRST)
    for part in order:
        numbers = range(part, 2600, 5)
        bits.add(ROWS[numbers], [AT[n] for n in numbers])
        if searched:
            bits.search(ASKED[:1], 1)
    assert bits.search(ASKED, 2) == once.search(ASKED, 2)


def test_growing_past_four_times_the_first_learns_new_clusters() -> None:
    grown = index(range(1900))
    before = grown.search(ASKED, 1)
    grown.add(ROWS[1900:], AT[1900:])
    assert grown.search(ASKED, 1) == index(range(2600)).search(ASKED, 1) != before


def test_what_is_not_retained_is_gone() -> None:
    kept = index(range(2600))
    kept.retain(lambda position: position.offset % 2 == 0)
    left = [n for n in range(2600) if AT[n].offset % 2 == 0]
    assert kept.search(ASKED, 2) == index(left).search(ASKED, 2)
    assert np.array_equal(kept.vectors(), ROWS[left])


def test_a_position_is_added_once_and_another_dimension_is_refused() -> None:
    one = index(range(40))
    one.add(ROWS[:40], AT[:40])
    assert len(one) == 40
    with pytest.raises(ValueError, match="expected 1 vectors of 32"):
        one.add(np.ones((1, 3), np.float32), [Position(9, 9)])
    with pytest.raises(ValueError, match="at least 1 neighbour"):
        one.search(ASKED, 0)


def test_where_nothing_is_known_nothing_is_near() -> None:
    assert ClusteredIndex(32, FIRST).search(ASKED[:2], 1) == [(), ()]

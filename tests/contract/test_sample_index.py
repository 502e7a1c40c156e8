"""What every SampleIndex must do; each implementation is one row of INDEXES."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ccit.ports.vectors import Lookup, Neighbour, SampleIndex, Vectors
from ccit.records import Position
from ccit.scoring.growing import GrowingIndex
from ccit.scoring.index import ExactIndex
from ccit.scoring.lookup import LookupIndex
from ccit.vectors import cosines, quantise

DIMENSION = 12
INDEXES: Mapping[str, Callable[[], SampleIndex]] = {
    "exact": lambda: ExactIndex(DIMENSION),
    "growing": lambda: GrowingIndex(DIMENSION, exact_up_to=100),
    "lookup": lambda: LookupIndex(DIMENSION),
}


def vectors(rows: st.SearchStrategy[int]) -> st.SearchStrategy[Vectors]:
    """Coarse numbers, so that equal and nearly equal vectors are common."""
    numbers = st.sampled_from([0.0, 0.5, 0.501, 1.0, -1.0])
    shapes = rows.map(lambda n: (n, DIMENSION))

    def of(raw: npt.NDArray[np.float32]) -> Vectors:
        return quantise(raw) if len(raw) else np.zeros((0, DIMENSION), np.float32)

    return arrays.arrays(np.float32, shapes, elements=numbers).map(of)


@pytest.fixture(params=sorted(INDEXES))
def make(request: pytest.FixtureRequest) -> Callable[[], SampleIndex]:
    return INDEXES[request.param]


def places(count: int) -> list[Position]:
    return [Position(n % 2, n) for n in range(count)]


def best(index: SampleIndex, asked: Vectors) -> list[float]:
    """Similarity of each row to its nearest neighbour, -1 without one."""
    return [near[0].similarity if near else -1.0 for near in index.search(asked, 1)]


@pytest.mark.parametrize("name", sorted(INDEXES))
@given(known=vectors(st.integers(0, 40)), asked=vectors(st.integers(0, 6)), k=st.integers(1, 45))
@settings(max_examples=60, deadline=None)
def test_a_search_finds_the_k_nearest_with_their_places(name: str, known: Vectors, asked: Vectors, k: int) -> None:
    index = INDEXES[name]()
    at = places(len(known))
    index.add(known, at)
    for row, near in zip(asked, index.search(asked, k), strict=True):
        exact = cosines(row[np.newaxis, :], known)[0]
        order = sorted(range(len(known)), key=lambda n: (-exact[n], at[n].partition, at[n].offset))
        assert near == tuple(Neighbour(at[n], float(exact[n])) for n in order[:k])


def test_no_neighbours_are_no_search(make: Callable[[], SampleIndex]) -> None:
    with pytest.raises(ValueError, match="at least 1 neighbour"):
        make().search(quantise(np.eye(DIMENSION)), 0)


@pytest.mark.parametrize("name", sorted(INDEXES))
@given(known=vectors(st.integers(1, 20)), asked=vectors(st.integers(1, 4)), split=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_neither_the_order_of_adding_nor_the_query_shape_matters(
    name: str, known: Vectors, asked: Vectors, split: int
) -> None:
    whole, parts = INDEXES[name](), INDEXES[name]()
    whole.add(known, places(len(known)))
    parts.add(known[split:], places(len(known))[split:])
    parts.add(known[:split], places(len(known))[:split])
    for k in (1, 3):
        assert [parts.search(row[np.newaxis, :], k)[0] for row in asked] == whole.search(asked, k)


@pytest.mark.parametrize("name", sorted(INDEXES))
@given(known=vectors(st.integers(0, 20)), asked=vectors(st.integers(1, 4)), limit=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_what_is_not_retained_is_gone(name: str, known: Vectors, asked: Vectors, limit: int) -> None:
    kept, fresh = INDEXES[name](), INDEXES[name]()
    kept.add(known, places(len(known)))
    kept.retain(lambda position: position.offset < limit)
    fresh.add(known[:limit], places(len(known))[:limit])
    assert len(kept) == len(fresh)
    assert kept.search(asked, 2) == fresh.search(asked, 2)
    kept.add(known, places(len(known)))  # what was dropped can come back
    assert len(kept) == len(known)


def test_a_position_is_added_once(make: Callable[[], SampleIndex]) -> None:
    index = make()
    rows = quantise(np.eye(DIMENSION, dtype=np.float32))
    index.add(rows[:2], [Position(0, 0), Position(0, 0)])
    index.add(rows[2:3], [Position(0, 0)])
    assert len(index) == 1
    assert best(index, rows[:3]) == [1.0, 0.0, 0.0]


def test_many_equal_rows_are_no_trouble(make: Callable[[], SampleIndex]) -> None:
    index = make()
    row = quantise(np.ones((1, DIMENSION), dtype=np.float32))
    index.add(np.repeat(row, 100, axis=0), places(100))
    assert best(index, row) == [cosines(row, row)[0, 0]]
    assert [near.position for near in index.search(row, 4)[0]] == sorted(
        places(100), key=lambda p: (p.partition, p.offset)
    )[:4]


def test_vectors_of_another_dimension_are_refused(make: Callable[[], SampleIndex]) -> None:
    with pytest.raises(ValueError, match="expected 1 vectors of 12"):
        make().add(np.ones((1, 3), np.float32), [Position(0, 0)])


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_what_is_looked_up_by_place_is_what_was_added(name: str) -> None:
    index, rows, at = INDEXES[name](), quantise(np.eye(DIMENSION)[:5]), places(5)
    index.add(rows, at)
    if isinstance(index, Lookup):
        assert np.array_equal(index.at([at[3], at[0]]), rows[[3, 0]])
        with pytest.raises(KeyError):
            index.at([Position(9, 9)])

"""What every SampleIndex must do; each implementation is one row of INDEXES."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ccit.ports import SampleIndex, Vectors
from ccit.records import Position
from ccit.scoring.index import ExactIndex
from ccit.vectors import cosines, quantise

DIMENSION = 12
INDEXES: Mapping[str, Callable[[], SampleIndex]] = {"exact": lambda: ExactIndex(DIMENSION)}


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


@pytest.mark.parametrize("name", sorted(INDEXES))
@given(known=vectors(st.integers(0, 40)), asked=vectors(st.integers(0, 6)))
@settings(max_examples=60, deadline=None)
def test_nearest_is_the_exact_maximum(name: str, known: Vectors, asked: Vectors) -> None:
    index = INDEXES[name]()
    index.add(known, places(len(known)))
    expected = cosines(asked, known).max(axis=1) if len(known) else np.full(len(asked), -1.0, np.float32)
    assert np.array_equal(index.nearest(asked), expected)


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
    one_by_one = np.concatenate([parts.nearest(row[np.newaxis, :]) for row in asked])
    assert np.array_equal(whole.nearest(asked), one_by_one)


@pytest.mark.parametrize("name", sorted(INDEXES))
@given(known=vectors(st.integers(0, 20)), asked=vectors(st.integers(1, 4)), limit=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_what_is_not_retained_is_gone(name: str, known: Vectors, asked: Vectors, limit: int) -> None:
    kept, fresh = INDEXES[name](), INDEXES[name]()
    kept.add(known, places(len(known)))
    kept.retain(lambda position: position.offset < limit)
    fresh.add(known[:limit], places(len(known))[:limit])
    assert len(kept) == len(fresh)
    assert np.array_equal(kept.nearest(asked), fresh.nearest(asked))
    kept.add(known, places(len(known)))  # what was dropped can come back
    assert len(kept) == len(known)


def test_a_position_is_added_once(make: Callable[[], SampleIndex]) -> None:
    index = make()
    rows = quantise(np.eye(DIMENSION, dtype=np.float32))
    index.add(rows[:2], [Position(0, 0), Position(0, 0)])
    index.add(rows[2:3], [Position(0, 0)])
    assert len(index) == 1
    assert index.nearest(rows[:3]).tolist() == [1.0, 0.0, 0.0]


def test_many_equal_rows_are_no_trouble(make: Callable[[], SampleIndex]) -> None:
    index = make()
    row = quantise(np.ones((1, DIMENSION), dtype=np.float32))
    index.add(np.repeat(row, 100, axis=0), places(100))
    assert index.nearest(row)[0] == cosines(row, row)[0, 0]


def test_vectors_of_another_dimension_are_refused(make: Callable[[], SampleIndex]) -> None:
    with pytest.raises(ValueError, match="expected 1 vectors of 12"):
        make().add(np.ones((1, 3), np.float32), [Position(0, 0)])

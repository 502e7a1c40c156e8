from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ccit.errors import InputError
from ccit.vectors import cosines, decode_vector, encode_vector, quantise

rows = arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(16)), elements=st.floats(-1, 1, width=32)).filter(
    lambda a: bool((np.linalg.norm(a, axis=1) > 1e-3).all())
)


@given(rows)
def test_rows_are_of_unit_length_and_survive_float16(raw: npt.NDArray[np.float64]) -> None:
    vectors = quantise(raw)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 5e-4
    assert np.array_equal(vectors, vectors.astype(np.float16).astype(np.float32))


@given(rows)
def test_an_encoded_vector_comes_back_bit_for_bit(raw: npt.NDArray[np.float64]) -> None:
    for vector in quantise(raw):
        assert np.array_equal(decode_vector(encode_vector(vector), 16), vector)


@given(rows, rows, st.randoms(use_true_random=False))
def test_cosines_depend_neither_on_shape_nor_on_order(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], draw: np.random.Generator
) -> None:
    a, b = quantise(left), quantise(right)
    together = cosines(a, b)
    axes = list(range(16))
    draw.shuffle(axes)  # another order of summation
    assert np.array_equal(cosines(a[:, axes], b[:, axes]), together)
    for i in range(len(a)):
        for j in range(len(b)):
            assert cosines(a[i : i + 1], b[j : j + 1])[0, 0] == together[i, j]


def test_a_zero_row_stays_zero() -> None:
    assert quantise([[0.0, 0.0]]).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("", None),
        ("not base64!", None),
        ("é", None),
        (base64.b64encode(b"abc").decode(), None),
        (base64.b64encode(b"abcd").decode(), 3),
        (base64.b64encode(np.asarray([np.nan], dtype="<f2").tobytes()).decode(), 1),
    ],
)
def test_what_is_no_embedding_is_refused(text: str, dimension: int | None) -> None:
    with pytest.raises(InputError, match="wrong_schema"):
        decode_vector(text, dimension)

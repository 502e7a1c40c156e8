"""What is read more strictly than the standard asks, and that nothing else is changed by it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.bounds import MAX_DEPTH
from ccit.errors import InputError
from ccit.ingest.strict import parse_strict

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12)


def reason_of(value: bytes, **limits: int) -> str:
    with pytest.raises(InputError) as refused:
        parse_strict(value, **limits)
    return refused.value.reason


@given(VALUES)
def test_what_any_writer_writes_comes_back(value: Any) -> None:
    assert parse_strict(orjson.dumps(value)) == value


@given(st.integers(1, 100))
def test_depth_is_counted_whatever_it_is_made_of(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        value = opening * depth + b"0" + closing * depth
        if depth <= MAX_DEPTH:
            parse_strict(value)
        else:
            assert reason_of(value) == "not_json"
        assert reason_of(value, max_depth=depth - 1) == "not_json" if depth > 1 else True


@pytest.mark.parametrize(
    "value",
    [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"b":{"a":1,"c":2,"a":3}}]', b'{"":1,"":2}'],
    ids=["plain", "escaped", "inside", "empty"],
)
def test_a_name_that_comes_twice_is_refused(value: bytes) -> None:
    assert reason_of(value) == "not_json"


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert parse_strict(b'[{"a":1},{"a":{"a":2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize("value", [b'"\\u0000"', b'["a\\u0000"]', b'{"\\u0000":1}', b'{"a":{"b":["x\\u0000"]}}'])
def test_nul_characters_are_refused_wherever_they_are(value: bytes) -> None:
    assert reason_of(value) == "wrong_schema"


def test_an_escaped_backslash_is_no_nul() -> None:
    assert parse_strict(b'"\\\\u0000"') == "\\u0000"

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.ingest.strict import MAX_DEPTH, parse_strict

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
JSON = st.recursive(SCALARS, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3), max_leaves=10)


@given(JSON, st.booleans())
def test_what_can_be_understood_in_one_way_is_read_as_it_is(value: object, escaped: bool) -> None:
    assert parse_strict(json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"dose": "5 mg", "dose": "50 mg"}', "not_json"),
        (b'{"a": [{"b": 1, "b": 1}]}', "not_json"),
        (b'{"a": "x\\u0000y"}', "wrong_schema"),
        (b'{"x\\u0000": 1}', "wrong_schema"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "not_json"),
    ],
    ids=["repeated", "repeated deep inside", "NUL in a text", "NUL in a name", "too deep"],
)
def test_what_could_be_understood_in_two_ways_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_strict(value)
    assert caught.value.reason == reason


def test_the_limits_are_exact() -> None:
    assert parse_strict(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse_strict(b'"an escaped backslash: \\\\u0000"') == "an escaped backslash: \\u0000"

"""Every event that can be made is read back as it was, and fits the schema that is published for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.events import NAMES, Event, decode, encode
from ccit.records import DEAD_LETTER_REASONS, Record

SCHEMAS = Path(__file__).parents[2] / "schemas"

FINITE = st.floats(allow_nan=False, allow_infinity=False)
# 53 bits: what every JSON reader keeps exactly.
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.floats(0, 4e9)  # until the year 2096


@cache
def _registered() -> None:
    st.register_type_strategy(float, FINITE)
    st.register_type_strategy(int, INTEGERS)
    st.register_type_strategy(str, TEXT)
    st.register_type_strategy(Mapping, lambda kind: st.dictionaries(*map(st.from_type, get_args(kind)), max_size=3))
    st.register_type_strategy(
        Record, st.builds(Record, TEXT, TEXT, TEXT, FINITE, body=st.dictionaries(TEXT, JSON, max_size=4))
    )


def events_of(name: str) -> st.SearchStrategy[Any]:
    _registered()
    return st.from_type(NAMES[name])


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(orjson.loads((SCHEMAS / f"{name}.json").read_bytes()))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data(), at=TIMES)
def test_an_event_survives_the_topic(name: str, data: st.DataObject, at: float) -> None:
    event: Event = data.draw(events_of(name))
    value, headers = encode(event, at=at, source="ccit/test")
    validator(name).validate(orjson.loads(value))
    assert decode(value, headers) == event
    assert encode(event, at=at, source="ccit/test") == (value, headers)
    assert dict(headers)["ce_type"] == f"ccit.{name}".encode()


@settings(max_examples=50, deadline=None)
@given(value=st.binary(max_size=60) | JSON.map(orjson.dumps), name=st.sampled_from([*NAMES, "", "other.v1"]))
def test_whatever_lies_on_a_topic_is_an_event_or_one_clear_sentence(value: bytes, name: str) -> None:
    found = read(value, name)
    if isinstance(found, InputError):
        assert found.reason in DEAD_LETTER_REASONS
        assert found.detail
    else:
        assert type(found) is NAMES[name]


def read(value: bytes, name: str) -> Event | InputError:
    try:
        return decode(value, [("ce_type", f"ccit.{name}".encode())])
    except InputError as error:
        return error

from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ccit import bounds
from ccit.bounds import (
    ALWAYS_AFFORDABLE_BYTES,
    CONTAINER_BYTES,
    VALUE_BYTES,
    require_affordable,
    stopping_at_first_fault,
)
from ccit.errors import InputError

TOO_MANY = ALWAYS_AFFORDABLE_BYTES // VALUE_BYTES + 1
TEXT = st.text(st.sampled_from(',[]{}"\\\n é:'), max_size=12)


@pytest.mark.parametrize("value", [b"0", b"{}", b"[]", b'"a"', b'{"a":1}', b"[0]"])
def test_many_small_values_are_refused_whatever_they_are(value: bytes) -> None:
    require_affordable(b"[" + b",".join([value] * 1000) + b"]")
    with pytest.raises(InputError, match="split it") as refused:
        require_affordable(b"[" + b",".join([value] * TOO_MANY) + b"]")
    assert refused.value.reason == "too_large"


def test_what_stands_in_texts_does_not_count() -> None:
    require_affordable(orjson.dumps({"output": 'He said: "[a, b], {c}", \\' * TOO_MANY}))


@given(st.lists(TEXT, max_size=5), st.integers(0, 2))
def test_texts_hide_nothing_and_count_for_nothing(texts: list[str], extra: int) -> None:
    """A document of known structure with any text in it: allowed at its weight, refused below."""
    bare = bounds._without_texts(orjson.dumps([*texts, *[[]] * extra]))
    assert bare == orjson.dumps([*[""] * len(texts), *[[]] * extra])


def test_a_large_sound_message_is_affordable() -> None:
    rows = [{"partition": n, "start": 10 * n, "end": 10 * n + 10, "note": "text " * 40} for n in range(20_000)]
    require_affordable(orjson.dumps(rows))
    assert CONTAINER_BYTES > VALUE_BYTES


@dataclass(frozen=True)
class Inner:
    number: float


@dataclass(frozen=True)
class Outer:
    listed: tuple[Inner, ...]
    named: dict[str, float]
    nested: dict[str, tuple[Inner, ...]]


def test_validation_ends_at_the_first_fault_of_each_collection() -> None:
    adapter = TypeAdapter(Outer)
    good = {"listed": [{"number": 1}], "named": {"a": 1}, "nested": {"a": [{"number": 2}]}}
    validator = stopping_at_first_fault(adapter)
    assert validator.validate_python(good) == adapter.validate_python(good)
    bad = {
        "listed": [0] * 1000,
        "named": {str(n): "x" for n in range(1000)},
        "nested": {str(n): [{}] * 100 for n in range(100)},
    }
    with pytest.raises(ValidationError) as refused:
        validator.validate_python(bad)
    assert refused.value.error_count() == 3

"""Whatever arrives becomes a sample or one clear refusal; the same content always gets the same name."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.ingest.rows import parse_row, prefix_of, record_from_row, sample_from_record
from ccit.records import DEAD_LETTER_REASONS, Sample

MAX_BYTES = 2000
# Without control characters: Python strips four of them from the ends that pydantic leaves there.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
SAID = TEXT.filter(lambda text: bool(text.strip()))
ROWS = st.fixed_dictionaries(
    {"instruction": SAID, "output": SAID},
    optional={
        "id": TEXT.filter(bool) | st.integers(-(2**53), 2**53),
        "source": TEXT,
        "lang": TEXT,
        "input": TEXT,
        "meta": st.fixed_dictionaries(
            {}, optional={"history": st.lists(st.tuples(TEXT, TEXT).map(list), max_size=3), "group": TEXT}
        ),
    },
)
# A row with anything in the place of anything.
BROKEN = st.dictionaries(
    st.sampled_from(["id", "source", "lang", "instruction", "input", "output", "meta"]), ANYTHING, max_size=7
)


def encoded(value: Any) -> bytes:
    """With NaN, huge numbers and all that Python's own writer lets through."""
    return json.dumps(value).encode()


def read(value: bytes | None) -> Sample | InputError:
    try:
        return sample_from_record(record_from_row(parse_row(value, MAX_BYTES), 0.0))
    except InputError as error:
        return error


@given(st.none() | st.binary(max_size=100) | ANYTHING.map(encoded) | BROKEN.map(encoded))
def test_anything_is_a_sample_or_a_refusal_from_the_closed_list(value: bytes | None) -> None:
    found = read(value)
    if isinstance(found, InputError):
        assert found.reason in DEAD_LETTER_REASONS
        assert "\n" not in found.detail
    else:
        assert found.instruction
        assert found.response


@given(BROKEN, st.sampled_from(["instruction", "output", "meta", "lang", "source"]))
def test_no_refusal_repeats_what_was_said(row: dict[str, Any], place: str) -> None:
    secret = "Anna Schmidt born 1950"
    broken = {**row, place: [secret], "note": secret}
    found = read(encoded(broken))
    assert not isinstance(found, InputError) or "Anna" not in str(found)


@given(ROWS)
def test_a_sound_row_keeps_what_it_says(row: dict[str, Any]) -> None:
    found = read(orjson.dumps(row))
    assert isinstance(found, Sample)
    assert found.response == row["output"].strip()
    assert found.instruction.startswith(row["instruction"].strip())
    assert found.instruction.endswith(row.get("input", "").strip())
    assert [[t.user, t.assistant] for t in found.history] == row.get("meta", {}).get("history", [])
    assert [m["role"] for m in found.messages()] == ["user", "assistant"] * len(found.history) + ["user"]


@given(ROWS, st.floats(0, 4e9))
def test_names_follow_from_content_and_not_from_the_time(row: dict[str, Any], at: float) -> None:
    early, late = record_from_row(row, 0.0), record_from_row(row, at)
    assert early.record_id == late.record_id
    assert sample_from_record(early).sample_id == sample_from_record(late).sample_id


@given(ROWS, ROWS)
def test_other_content_has_another_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (sample_from_record(record_from_row(row, 0.0)) for row in (one, other))
    same = (first.history, first.instruction, first.response) == (second.history, second.instruction, second.response)
    assert (first.content_digest == second.content_digest) == same


@given(st.integers(0, 300))
def test_the_size_is_checked_before_anything_is_parsed(over: int) -> None:
    found = read(b"[" * (MAX_BYTES + over))
    assert isinstance(found, InputError)
    assert found.reason == ("too_large" if over else "not_json")


NAMES = st.tuples(st.text("a:%3A ", min_size=1, max_size=6), st.text("a:%3A ", min_size=1, max_size=6))


@given(st.lists(NAMES | st.tuples(SAID, SAID), min_size=2, max_size=6, unique=True))
def test_another_source_or_id_is_another_record(names: list[tuple[str, str]]) -> None:
    made = [
        record_from_row({"instruction": "?", "output": "!", "source": source, "id": own_id}, 0.0)
        for source, own_id in names
    ]
    assert len({record.record_id for record in made}) == len(names)
    for record, (source, own_id) in zip(made, names, strict=True):
        assert record.record_id.removeprefix(prefix_of(source)) == own_id
        assert ":" in source or record.record_id == f"{source}:{own_id}"

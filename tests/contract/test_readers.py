"""What every registered Reader must do."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.plugins import Plugin
from ccit.ports.ingest import RawMessage, Reader, ReaderContext
from ccit.records import DEAD_LETTER_REASONS, Record
from tests.contract.registered import each, made

CONTEXT = ReaderContext(max_bytes=2000)
ROW = b'{"id": 7, "source": "ward", "lang": "en", "instruction": "Why?", "output": "Because."}'
TYPES = st.sampled_from(["", "application/json", "application/x-ndjson", "application/hl7-v2", "application/fhir+json"])
VALUES = st.none() | st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.just(ROW) | st.just(ROW * 90)


def read(reader: Reader, message: RawMessage) -> list[Record] | str:
    try:
        return list(reader.records(message))
    except InputError as error:
        return error.reason if error.detail else "a refusal without a sentence"


@each("reader")
@given(said=TYPES, value=VALUES)
def test_whatever_comes_is_records_or_one_refusal_and_the_same_again(
    entry: Plugin, said: str, value: bytes | None
) -> None:
    reader: Reader = made(entry, CONTEXT)
    message = RawMessage(said, value, received_at=1.5)
    found = read(reader, message)
    assert found == read(reader, message) == read(pickle.loads(pickle.dumps(reader)), message)
    if isinstance(found, str):
        assert found in DEAD_LETTER_REASONS
    else:
        assert all(record.received_at == 1.5 for record in found)
        assert len({record.record_id for record in found}) == len(found)


@each("reader")
@given(said=TYPES, value=VALUES)
def test_what_it_accepts_depends_on_type_and_head_alone(entry: Plugin, said: str, value: bytes | None) -> None:
    reader: Reader = made(entry, CONTEXT)
    head = (value or b"")[:64]
    assert reader.accepts(said, head) == reader.accepts(said, head)
    assert isinstance(reader.fallback, bool)

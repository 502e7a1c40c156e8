from __future__ import annotations

import pytest

from ccit.errors import InputError
from ccit.ingest.readers.rows import RowReader
from ccit.ports.ingest import RawMessage, ReaderContext


def test_one_message_holds_one_row_and_no_other_type_is_taken() -> None:
    reader = RowReader(RowReader.Settings(), ReaderContext(max_bytes=200))
    row = b'{"id": 7, "source": "ward", "instruction": "Why?", "output": "Because."}'
    (record,) = reader.records(RawMessage("", row, 2.5))
    assert (record.record_id, record.received_at) == ("ward:7", 2.5)
    assert [reader.accepts(said, row) for said in ("", "application/json", "application/hl7-v2")] == [True, True, False]
    with pytest.raises(InputError, match="too_large"):
        list(reader.records(RawMessage("", row * 10, 2.5)))


def test_the_framing_of_a_schema_registry_is_stripped_and_noted_and_changes_no_name() -> None:
    reader = RowReader(RowReader.Settings(), ReaderContext(max_bytes=200))
    row = b'{"source": "ward", "instruction": "Why?", "output": "Because.", "meta": {"group": "a"}}'
    (plain,) = reader.records(RawMessage("", row, 2.5))
    (framed,) = reader.records(RawMessage("", b"\x00\x00\x00\x00\x11" + row, 2.5))
    assert framed.record_id == plain.record_id
    assert framed.body["meta"] == {"group": "a", "framing": "schema 17"}
    with pytest.raises(InputError, match="Avro or Protobuf"):
        list(reader.records(RawMessage("", b"\x00\x00\x00\x00\x11\x02\x08ward", 2.5)))

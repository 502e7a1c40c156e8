from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ccit.errors import InputError
from ccit.ingest.readers.cloud_events import CloudEventsReader
from ccit.ports.ingest import RawMessage, ReaderContext
from ccit.records import Record

ROW = {"instruction": "Why?", "output": "Because."}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "row",
    "source": "ward",
    "id": "7",
    "subject": "p-1",
    "data": ROW,
}


def read(value: Any, said: str = "application/cloudevents+json") -> list[Record]:
    reader = CloudEventsReader(CloudEventsReader.Settings(), ReaderContext(max_bytes=1000))
    assert reader.accepts(said, b"")
    return list(reader.records(RawMessage(said, json.dumps(value).encode(), 2.5)))


def test_an_event_says_what_its_row_does_not() -> None:
    (record,), (own,) = read(EVENT), read({**EVENT, "data": {**ROW, "id": 9, "source": "lab", "subject": "p-2"}})
    assert (record.record_id, record.subject, record.received_at) == ("ward:7", "p-1", 2.5)
    assert (own.record_id, own.subject) == ("lab:9", "p-2")


def test_data_may_be_base64_and_events_may_come_in_a_batch() -> None:
    packed = {**EVENT, "id": "8", "data": None, "data_base64": base64.b64encode(json.dumps(ROW).encode()).decode()}
    found = read([EVENT, packed, EVENT], "application/cloudevents-batch+json")
    assert [record.record_id for record in found] == ["ward:7", "ward:8"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (ROW, "expected a CloudEvent with specversion 1.0"),
        ({**EVENT, "data": "text"}, "expected an instruction row as the CloudEvent's data"),
        ({**EVENT, "data": {"output": "x"}}, "instruction row"),
        ({**EVENT, "x": "y" * 1000}, "at most 1000 bytes"),
    ],
)
def test_what_is_no_event_or_holds_no_row_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(value)


def test_a_batch_is_a_list() -> None:
    with pytest.raises(InputError, match="expected a batch"):
        read(EVENT, "application/cloudevents-batch+json")

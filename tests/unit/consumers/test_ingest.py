from __future__ import annotations

import pytest

from ccit.config import Config, Ingest
from ccit.events import RecordReceived, decode
from consumers.ingest import IngestStep
from consumers.kafka.messages import Headers, KafkaMessage, Output

ROW = b'{"id": "7", "source": "ward", "lang": "en", "instruction": "Dose?", "output": "5 mg."}'
JSON: Headers = (("content-type", b"application/json; charset=utf-8"),)


def step() -> IngestStep:
    return IngestStep(Config(ingest=Ingest(max_bytes=2000)), clock=lambda: 5.0)


def message(value: bytes | None, headers: Headers = JSON, offset: int = 0, timestamp_ms: int = 2500) -> KafkaMessage:
    return KafkaMessage("ccit.raw", 0, offset, b"k", value, headers, timestamp_ms)


def record_in(output: Output) -> RecordReceived:
    event = decode(output.value, output.headers)
    assert isinstance(event, RecordReceived)
    return event


def test_a_record_is_keyed_by_the_subject_that_its_row_names() -> None:
    """So that what one subject's rows say is decided in order, whatever their own ids are."""
    rows = [b'{"id": %d, "subject": "p-17", "instruction": "Why?", "output": "Because."}' % n for n in range(3)]
    outputs = step()([message(row, offset=n) for n, row in enumerate(rows)])
    assert [output.key for output in outputs] == [b"p-17"] * 3
    assert [record_in(output).record.record_id for output in outputs] == ["unnamed:0", "unnamed:1", "unnamed:2"]


def test_a_row_that_names_no_subject_becomes_a_record_keyed_by_its_id() -> None:
    (output,) = step()([message(ROW)])
    assert (output.topic, output.key, output.partition) == ("ccit.records", b"ward:7", None)
    record = record_in(output).record
    assert (record.record_id, record.source, record.received_at) == ("ward:7", "ward", 2.5)
    assert record.body["output"] == "5 mg."


def test_a_message_without_a_time_gets_the_clocks() -> None:
    (output,) = step()([message(ROW, timestamp_ms=-1)])
    assert record_in(output).record.received_at == 5.0


def test_every_message_has_one_output_in_order_whatever_the_others_are() -> None:
    outputs = step()([message(b"\x00", offset=0), message(ROW, offset=1), message(None, offset=2)])
    assert [output.topic for output in outputs] == ["ccit.dead-letters", "ccit.records", "ccit.dead-letters"]
    assert [dict(o.headers).get("ccit_offset") for o in outputs] == [b"0", None, b"2"]


@pytest.mark.parametrize("headers", [(), JSON, (("content-type", None),), (("content-type", b"application/x-ndjson"),)])
def test_json_is_read_with_or_without_its_type(headers: Headers) -> None:
    assert step()([message(ROW, headers)])[0].topic == "ccit.records"


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (ROW, (("content-type", b"application/hl7-v2"),), b"unsupported_type"),
        (b"\x00\xff", JSON, b"not_json"),
        (b"{}", JSON, b"wrong_schema"),
        (b"", JSON, b"empty"),
        (None, JSON, b"empty"),
        (b" " * 2001, JSON, b"too_large"),
    ],
)
def test_a_bad_message_is_one_dead_letter_with_its_bytes(value: bytes | None, headers: Headers, reason: bytes) -> None:
    (output,) = step()([message(value, headers)])
    assert output.topic == "ccit.dead-letters"
    assert output.value == value
    assert dict(output.headers)["ccit_reason"] == reason
    assert dict(output.headers)["ccit_stage"] == b"ingest"


def test_what_is_read_again_is_the_same_record() -> None:
    first, again = step()([message(ROW), message(ROW, offset=1)])
    assert (first.key, first.value) == (again.key, again.value)

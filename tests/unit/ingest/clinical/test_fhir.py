"""A message through the reader: what it accepts, refuses, and leaves out."""

from __future__ import annotations

import json

import pytest

from ccit.clinical import ClinicalDocument
from ccit.errors import InputError
from ccit.ingest.clinical.fhir import FhirReader
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage

SUPERSEDED = {
    "resourceType": "DocumentReference",
    "id": "d1",
    "status": "superseded",
    "content": [{"attachment": {"data": "SGdiIDkuMS4="}}],
}


def read(value: bytes, said: str = "", **settings: str) -> list[ClinicalDocument]:
    reader = FhirReader(FhirReader.Settings.model_validate(settings), ClinicalContext(max_bytes=1000))
    return list(reader.documents(RawMessage(said, value, 0.0)))


def test_json_on_the_topic_is_taken_for_fhir_and_hl7_is_not() -> None:
    reader = FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=1000))
    assert reader.accepts("", b'\xef\xbb\xbf {"resourceType"')
    assert reader.accepts("application/fhir+ndjson", b"")
    assert reader.accepts("application/json", b"[")
    assert not reader.accepts("", b"MSH|^~\\&")
    assert not reader.accepts("text/plain", b"{")


def test_lines_of_an_export_are_read_each_and_blank_ones_passed_over() -> None:
    line = json.dumps({"resourceType": "Condition", "id": "c", "code": {"text": "Asthma"}}).encode()
    found = read(b"\xef\xbb\xbf" + line + b"\r\n\r\n" + line.replace(b'"c"', b'"k"') + b"\n")
    assert [(document.document_id, document.origin.part) for document in found] == [
        ("Condition/c", 0),
        ("Condition/k", 1),
    ]


@pytest.mark.parametrize(
    ("value", "reason", "sentence"),
    [
        (b" " * 1001, "too_large", "at most 1000 bytes"),
        (b"", "empty", "no bytes"),
        (b"<Patient/>", "unsupported_type", "ask the sender for JSON"),
        (b'{"a": 1}', "wrong_schema", "expected FHIR resources"),
        (b'{"resourceType": "Patient"}\n{"resourceType": Zyxwald}', "not_json", "line 2: expected strict JSON"),
        (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "not_json", "each name once"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence_that_quotes_nothing(
    value: bytes, reason: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        read(value)
    assert refused.value.reason == reason
    assert "Zyxwald" not in str(refused.value)


def test_a_superseded_document_is_read_or_withdrawn_as_configured() -> None:
    value = json.dumps(SUPERSEDED).encode()
    (kept,), (gone,) = read(value), read(value, superseded="withdraw")
    assert (kept.text, kept.status) == ("Hgb 9.1.", "final")
    assert (gone.text, gone.status) == ("", "withdrawn")


def test_many_small_resources_are_read_as_far_as_the_largest_message_may_go() -> None:
    """Of 60 bytes each, they need ten times as much in memory: more than a row of this size may."""
    lines = b'{"resourceType":"Condition","code":{"text":"Asthma"},"a":{}}\n' * 8000
    reader = FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=8_000_000))
    assert sum(1 for _ in reader.documents(RawMessage("", lines, 0.0))) == 8000
    with pytest.raises(InputError, match="bytes in memory"):
        list(
            FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=500_000)).documents(RawMessage("", lines, 0.0))
        )

"""Files as hospitals export them: packed, in any order, damaged, far larger than a message."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ccit.clinical import ClinicalDocument
from ccit.ingest.clinical.fhir import FhirReader
from ccit.ingest.clinical_files.files import ClinicalFiles
from ccit.ingest.clinical_files.pieces import Piece
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "7", "name": [{"family": "Roe"}]}
FATHER = {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/7"}, "name": [{"family": "Poe"}]}
DOCTOR = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Lee"}]}
VISIT: dict[str, Any] = {
    "resourceType": "Encounter",
    "id": "e",
    "participant": [{"individual": {"reference": "Practitioner/d"}}],
}
BINARY = {"resourceType": "Binary", "id": "b", "data": base64.b64encode(b"Hgb 9.1.").decode()}
NOTE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "id": "n",
    "subject": {"reference": "Patient/7"},
    "context": {"encounter": [{"reference": "Encounter/e"}]},
    "content": [{"attachment": {"url": "Binary/b"}}],
}
CROWD = [{"resourceType": "Patient", "id": f"x{n}", "name": [{"family": f"Other{n}"}]} for n in range(5)]
MESSAGE = b"MSH|^~\\&|L|N|||2026||ORU^R01|7|P|2.5\rPID|1||12^^^H\rOBR|1||5|1^X\rOBX|1|TX|||ill\r"


def lines(*resources: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in resources) + b"\n"


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    entries = [{"resource": one} for one in resources]
    return json.dumps({"type": "collection", "entry": entries, **more, "resourceType": "Bundle"}, indent=1).encode()


def pieces(path: Path, value: bytes, max_bytes: int = 8000) -> list[Piece]:
    path.write_bytes(value)
    with ClinicalFiles([path], max_bytes) as files:
        return list(files.pieces(path))


def read(found: Iterable[Piece]) -> list[ClinicalDocument]:
    reader = FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=100_000))
    sent = [piece for piece in found if piece.value]
    return [one for piece in sent for one in reader.documents(RawMessage(piece.content_type, piece.value, 0.0))]


def families(document: ClinicalDocument) -> set[str]:
    return {name.family for person in document.people for name in person.names}


FIRST = [PATIENT, FATHER, DOCTOR, VISIT, BINARY, *CROWD, NOTE]


@pytest.mark.parametrize("form", [lines, bundle], ids=["lines", "bundle"])
@pytest.mark.parametrize("order", [FIRST, FIRST[::-1]], ids=["context first", "context last"])
@pytest.mark.parametrize("max_bytes", [8000, 1500], ids=["whole", "streamed"])
def test_a_note_finds_its_text_its_patient_his_father_and_who_saw_him_and_nobody_else(
    tmp_path: Path, form: Any, order: list[dict[str, Any]], max_bytes: int
) -> None:
    found = pieces(tmp_path / "x.json", form(*order), max_bytes)
    (note,) = (document for document in read(found) if document.origin.kind == "DocumentReference")
    assert (families(note), note.text) == ({"Roe", "Poe", "Lee"}, "Hgb 9.1.")
    assert [piece.subject for piece in found if piece.kind == "DocumentReference"] == ["Patient/7"]
    assert {piece.kind for piece in found if not piece.value} == {"Patient", "RelatedPerson", "Practitioner", "Binary"}


def test_files_of_one_export_know_each_other(tmp_path: Path) -> None:
    notes, people = tmp_path / "DocumentReference.ndjson", tmp_path / "Patient.ndjson"
    notes.write_bytes(lines(NOTE))
    people.write_bytes(lines(PATIENT, BINARY))
    with ClinicalFiles([notes, people], 8000) as files:
        (document,) = read(files.pieces(notes))
    assert (document.text, families(document)) == ("Hgb 9.1.", {"Roe"})


@pytest.mark.parametrize(
    "value", [lines(VISIT, VISIT), bundle(VISIT, VISIT), MESSAGE * 2], ids=["lines", "bundle", "hl7"]
)
def test_a_packed_file_is_unpacked_whatever_its_name(tmp_path: Path, value: bytes) -> None:
    plain, packed = pieces(tmp_path / "a.gz", value), pieces(tmp_path / "b.ndjson", gzip.compress(value))
    assert [(piece.place, piece.value) for piece in plain] == [(piece.place, piece.value) for piece in packed]
    assert len([piece for piece in plain if piece.value]) == 2


def test_messages_of_a_batch_come_one_by_one_with_their_type_and_patient(tmp_path: Path) -> None:
    found = pieces(tmp_path / "x.hl7", b"FHS|^~\\&\rBHS|^~\\&\r" + MESSAGE + b"MSH|^~\\&\r" + b"BTS|2\rFTS|1\n")
    assert [(piece.place, piece.kind, piece.subject) for piece in found] == [
        ("message 1", "ORU^R01", "12|H"),
        ("message 2", "", ""),
    ]
    assert found[0].value == MESSAGE


@pytest.mark.parametrize(
    ("value", "reason", "place"),
    [
        (lines({"resourceType": "Basic", "x": "y" * 900}, VISIT), "too_large", "line 1"),
        (bundle({"resourceType": "Basic", "x": ["y" * 900] * 90}, VISIT), "too_large", "entry 1"),
        (json.dumps({"resourceType": "Basic", "x": "y" * 900}).encode(), "too_large", ""),
        (gzip.compress(lines(*[VISIT, {"resourceType": "Basic", "x": "y"}] * 9))[:-12], "wrong_schema", ""),
        (bundle(*[VISIT] * 9)[:-200], "not_json", "entry 9"),
        (bundle(*[VISIT] * 8, {**VISIT, "id": "x"}).replace(b'"x"', b'"x", "id": "y"'), "not_json", "entry 9"),
        (MESSAGE.replace(b"ill", b"ill " * 200), "too_large", "message 1"),
        (b"%PDF-1.7 x", "unsupported_type", ""),
        (b"\x1f\x8bnot gzip", "unsupported_type", ""),
        (b"", "unsupported_type", ""),
    ],
)  # fmt: skip
def test_what_gives_no_message_is_said_and_ends_nothing(tmp_path: Path, value: bytes, reason: str, place: str) -> None:
    found = pieces(tmp_path / "x", value, max_bytes=600)
    faults = [(piece.fault.reason, piece.place) for piece in found if piece.fault is not None]
    assert faults == [(reason, place)]


def test_after_a_line_that_is_too_long_the_next_is_read(tmp_path: Path) -> None:
    found = pieces(tmp_path / "x", lines(PATIENT, {"resourceType": "Basic", "x": "y" * 200_000}, VISIT), max_bytes=600)
    assert [(piece.place, piece.kind, piece.fault is None) for piece in found] == [
        ("line 1", "Patient", True),
        ("line 2", "", False),
        ("line 3", "Encounter", True),
    ]


def test_a_line_that_cannot_be_read_goes_on_as_it_is_for_its_reader_to_refuse(tmp_path: Path) -> None:
    found = pieces(tmp_path / "x", lines(VISIT) + b'{"resourceType": \n' + lines(VISIT))
    assert [piece.value for piece in found][1] == b'{"resourceType":'


def test_entries_that_cannot_be_written_again_cost_only_themselves(tmp_path: Path) -> None:
    odd = {"resourceType": "Observation", "id": "o", "valueInteger": 10**30}
    found = pieces(tmp_path / "x", bundle(*[VISIT] * 4, odd, *[VISIT] * 4), max_bytes=600)
    assert [piece.fault.reason if piece.fault else "" for piece in found] == [""] * 4 + ["not_json"] + [""] * 4


def test_what_a_transaction_deletes_is_withdrawn(tmp_path: Path) -> None:
    value = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Observation/o"}}],
    }
    (document,) = read(pieces(tmp_path / "x", json.dumps(value).encode()))
    assert (document.document_id, document.status) == ("Observation/o", "withdrawn")


def test_a_bundle_far_larger_than_memory_is_good_for_is_read_in_little(tmp_path: Path) -> None:
    text = {"resourceType": "Condition", "subject": {"reference": "Patient/7"}, "note": [{"text": "fever " * 300}]}
    path = tmp_path / "x.json"
    path.write_bytes(bundle(*[text] * 450, PATIENT))
    tracemalloc.start()
    try:
        with ClinicalFiles([path], 50_000) as files:
            count = sum(1 for piece in files.pieces(path) if b"Roe" in piece.value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 450
    assert path.stat().st_size > 800_000
    assert peak < 700_000

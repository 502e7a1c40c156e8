"""What would become of messages, counted."""

from __future__ import annotations

import json

from ccit.clinical import ClinicalDocument
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import CleanDocument, DocumentCleaner
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.surrogates import SurrogateTable
from ccit.errors import InputError
from ccit.ingest.clinical.fhir import FhirReader
from ccit.ingest.clinical_files.pieces import Piece
from ccit.inspection import Account, Inspection
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage
from ccit.testing import recognisers

NOTE = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"text": "Asthma"},
    "note": [{"text": "Seen by Dr. Roe on 3/14/2019."}],
}
WRONG = {**NOTE, "verificationStatus": {"coding": [{"code": "entered-in-error"}]}}


def piece(kind: str, resource: object) -> Piece:
    return Piece("line 1", kind, json.dumps(resource).encode(), "application/fhir+json")


def test_each_message_is_counted_by_what_becomes_of_it_and_what_is_shown_is_clean() -> None:
    shown: list[CleanDocument] = []
    cleaner = DocumentCleaner(Deidentifier(recognisers(), SafeHarbor()), SurrogateTable(None))
    inspection = Inspection(
        [FhirReader(FhirReader.Settings(), ClinicalContext(1000))],
        cleaner,
        lambda body: body if body["text"] else None,
        lambda _, clean: shown.append(clean),
    )
    account, other = Account(), Account()
    for one in (
        piece("Condition", NOTE),
        piece("Condition", WRONG),
        Piece("line 3", "Patient"),
        piece("", {"resourceType": 1}),
        Piece("line 5", fault=InputError("too_large", "expected less")),
        Piece("line 6", "letter", b"Dear Roe", "text/x-letter"),
    ):
        inspection.piece(one, account)
    other.add(account)
    assert account.as_json() | {"sentences": {}} == other.as_json() | {"sentences": {}}
    assert account.found == {"Condition": 2, "Patient": 1, "letter": 1}
    assert account.passed_over == {"Patient": 1}
    assert (account.documents, account.samples) == ({"Condition": 2}, {"Condition": 1})
    assert account.masked == {"name": 2, "date": 2}  # in the text and in the fields
    assert account.refused == {"wrong_schema": 1, "too_large": 1, "unsupported_type": 1}
    assert list(account.sentences) == ["line 1", "line 5", "line 6"]
    assert "Roe" not in json.dumps(account.as_json()) + str([clean.body for clean in shown])
    assert shown[0].body["text"] == "Diagnosis: Asthma (note: Seen by Dr. [NAME-1] on [2019].)"


class Broken:
    def accepts(self, _: str, __: bytes) -> bool:
        return True

    def documents(self, message: RawMessage) -> list[ClinicalDocument]:
        raise IndexError(message.value)


def test_a_fault_of_a_reader_costs_one_message_and_quotes_nothing() -> None:
    cleaner = DocumentCleaner(Deidentifier({}, SafeHarbor()), SurrogateTable(None))
    account = Account()
    Inspection([Broken()], cleaner, lambda body: body).piece(piece("letter", "Zyxwald"), account)
    assert account.sentences == {
        "line 1": "wrong_schema: expected an answer of the reader, but it raised IndexError; report it"
    }

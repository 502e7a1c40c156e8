"""Canaries in every field of a document: none is in what may go on, nor in the sentence that refuses it."""

from __future__ import annotations

import json

import pytest

from ccit.clinical import Address, ClinicalDocument, Identifier, Name, Origin, Person
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import DocumentCleaner
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.surrogates import SurrogateTable
from ccit.errors import InputError
from ccit.testing import recognisers

CANARIES = ("Zyxwald", "Oxaker", "Skumov", "Brenwald", "5530871", "zz.top", "Trisku", "8812345", "19620214", "Velkor")
PERSON = Person(
    "patient",
    names=(Name("Zyxwald", ("Oxaker",)),),
    identifiers=(Identifier("QX-5530871", "HOSP", "MR"),),
    addresses=(Address(("714 Skumov Row",), "Brenwald", postal_code="90813"),),
    contacts=("620 555 0188", "zz.top@ward.example.org"),
    born="19620214",
    others=("Velkor Steel",),
)
TEXT = "Oxaker ZYXWALD of 714 Skumov Row, brenwald; QX 5530871; at Trisku Regional Infirmary; order 8812345; Velkor."
DOCUMENT = ClinicalDocument(
    "ORD^8812345",
    Origin("hl7v2", "ORU^R01", "8812345", "0" * 64, "Trisku|NORTH"),
    subject="QX-5530871|HOSP",
    title="Report on Zyxwald, Oxaker",
    text=TEXT,
    kind="Brenwald report",
    language="en",
    status="final",
    written="20190314101500",
    dates={"admitted": "19620214"},
    places=("Trisku Regional Infirmary",),
    fields={
        "code": {"code": "271737000", "system": "SNOMED", "display": "Anaemia"},
        "value": 9.1,
        "note": TEXT,
        "Zyxwald": [TEXT, {"deep": "zz.top@ward.example.org"}],
        "number": 5530871,
        "visit": "8812345",
    },
    replaces=("ORD^8812345",),
    people=(PERSON,),
)


def cleaner(*, blind: bool = False) -> DocumentCleaner:
    return DocumentCleaner(Deidentifier({} if blind else recognisers(), SafeHarbor()), SurrogateTable(None))


def test_no_canary_is_left_and_codes_and_values_are() -> None:
    clean = cleaner().clean(DOCUMENT)
    written = json.dumps(clean.body)
    assert [canary for canary in CANARIES if canary.lower() in written.lower()] == []
    assert clean.body["fields"]["code"] == {"code": "271737000", "system": "SNOMED", "display": "Anaemia"}
    assert clean.body["fields"]["value"] == 9.1
    assert clean.body["written"] == "[2019]"
    assert clean.body["subject"] != clean.body["document"] == clean.body["replaces"][0]
    assert clean.masked["name"] >= 3


def test_what_is_left_over_is_held_back_in_a_sentence_that_names_nobody() -> None:
    with pytest.raises(InputError, match="held back") as caught:
        cleaner(blind=True).clean(DOCUMENT)
    assert caught.value.reason == "identifying"
    assert [canary for canary in CANARIES if canary.lower() in str(caught.value).lower()] == []


def test_documents_of_one_patient_carry_one_subject() -> None:
    made = cleaner()
    again = ClinicalDocument("8", DOCUMENT.origin, subject=DOCUMENT.subject, text="Hgb 9.1")
    assert made.clean(again).body["subject"] == made.clean(DOCUMENT).body["subject"]
    assert made.clean(again).body["text"] == "Hgb 9.1"

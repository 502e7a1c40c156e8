"""Canaries in every field of a document: none is in what may go on, nor in the sentence that refuses it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

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


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"code": {"code": "K35", "display": "Seen by Dr. Quell on 3/14/2019"}}, {"code": "K35"}),
        ({"code": {"text": "call 620 555 0199"}}, {}),
        ({"account_number": "889911"}, {}),
        ({"accountNumber": 889911}, {}),
        ({"phone": 6205550199}, {}),
        ({"age": 93}, {}),
        ({"value": {"value": 9.1, "unit": "g/dL"}}, {"value": 9.1, "unit": "g/dL"}),
    ],
)
def test_text_beside_a_code_and_what_only_its_label_gives_away_are_gone(
    fields: dict[str, Any], kept: dict[str, Any]
) -> None:
    clean = cleaner().clean(ClinicalDocument("1", DOCUMENT.origin, fields=fields)).body["fields"]
    written = json.dumps(clean)
    assert [canary for canary in ("Quell", "3/14", "0199", "889911", "93") if canary in written] == []
    inner = next(iter(clean.values()))
    assert {key: inner[key] for key in kept} == kept


SAID = "said by Dr. Karl Quell on 3/14/2019 tel 620-555-0199"


@pytest.mark.parametrize("key", ["type", "unit", "units", "kind", "version", "system", "code"])
def test_a_sentence_under_the_key_of_a_terminology_is_a_sentence(key: str) -> None:
    written = json.dumps(cleaner().clean(ClinicalDocument("1", DOCUMENT.origin, fields={key: SAID})).body)
    assert [told for told in ("Quell", "3/14", "0199") if told in written] == []


@pytest.mark.parametrize("key", ["type", "unit"])
def test_what_no_terminology_gives_is_found_without_blanks_too(key: str) -> None:
    observation = {key: "620-555-0199,3/14/2019", "value": 9.1}
    clean = cleaner().clean(ClinicalDocument("1", DOCUMENT.origin, fields={"observations": [observation]})).body
    assert [told for told in ("3/14", "0199") if told in json.dumps(clean)] == []


CODES = (
    *({"code": "271737000", "system": "http://snomed.info/sct", "version": "20190301"}, {"code": "1554-5"}),
    *({"code": "K35.80", "system": "ICD-10-CM"}, {"code": "620-555-0199", "system": "urn:oid:2.16.840.1.113883.6.96"}),
    *({"system": "SNOMED CT"}, {"type": "NM"}, {"type": "allergy"}, {"kind": "principal diagnosis"}),
)
UNITS = (
    *("%", "mg", "g/dL", "mmol/L", "10*3/uL", "10*9/L", "mm[Hg]", "{score}", "/[HPF]", "[IU]/L", "mL/min/{1.73_m2}"),
    *("[in_i]", "ug/24h", "tablet", "mm Hg", "g per day"),
)


def test_codes_and_units_stay_letter_by_letter() -> None:
    fields = {"code": list(CODES), "observations": [{"unit": unit} for unit in UNITS]}
    assert cleaner().clean(ClinicalDocument("1", DOCUMENT.origin, fields=fields)).body["fields"] == fields


def test_a_date_field_is_a_date_in_whatever_form() -> None:
    dates = {"a": "201903", "b": "14.3.", "c": "2019", "Zyxwald": "03.2019", "d": "2019-03"}
    clean = cleaner().clean(replace(DOCUMENT, dates=dates, written="2019W11")).body
    assert clean["written"] == "[DATE]"
    assert list(clean["dates"].values()) == ["[DATE]", "[DATE]", "2019", "[DATE]", "[2019]"]
    assert "Zyxwald" not in clean["dates"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("en", "en"),
        ("en-us", "en-us"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        ("Zyxwald", ""),
        ("de-oxaker", ""),
        ("de-beck", ""),
    ],
)
def test_a_language_is_a_tag_or_nothing(sent: str, kept: str) -> None:
    assert cleaner().clean(replace(DOCUMENT, language=sent)).body["language"] == kept


def test_what_a_sender_wrote_as_a_mask_hides_nothing() -> None:
    clean = (
        cleaner().clean(replace(DOCUMENT, text="[RECORD-5530871] born [1921], seen [2019] by [NAME-1]")).body["text"]
    )
    assert "5530871" not in clean
    assert "1921" not in clean
    assert clean.endswith("seen [2019] by [NAME-1]")


def test_a_name_in_a_mask_of_the_sender_is_a_name() -> None:
    people = (Person("patient", names=(Name("Beade", ("Ada",)),), identifiers=(Identifier("4718"),)),)
    text = "[NAME-ada] and [NAME-beade], [RECORD-4718], [NAME-1], [PHONE-00ff00ff]"
    clean = cleaner().clean(ClinicalDocument("1", DOCUMENT.origin, text=text, people=people)).body["text"].lower()
    assert [part for part in ("ada", "beade", "4718") if part in clean] == []
    assert "[name-1]" in clean
    assert clean.endswith("[phone]")


def test_the_same_number_of_another_sender_is_another_document() -> None:
    made = cleaner()
    first = made.clean(DOCUMENT).body["document"]
    elsewhere = replace(DOCUMENT, origin=replace(DOCUMENT.origin, sender="LAB|SOUTH"))
    assert made.clean(elsewhere).body["document"] != first == made.clean(DOCUMENT).body["document"]


def test_the_code_by_which_a_fact_is_numbered_stays_a_code() -> None:
    fact = ClinicalDocument(
        "8812345/1554-5", DOCUMENT.origin, fields={"code": {"code": "1554-5"}}, text="Glucose 1554-5"
    )
    clean = cleaner().clean(fact).body
    assert clean["fields"] == {"code": {"code": "1554-5"}}
    assert clean["text"] == "Glucose 1554-5"


def test_a_document_without_a_year_counts_as_of_this_year() -> None:
    note = ClinicalDocument("1", Origin("other", "note", "1", ""), text="Born 1931, seen in 2019.")
    made = DocumentCleaner(Deidentifier(recognisers(), SafeHarbor()), SurrogateTable(None), this_year=2026)
    assert made.clean(note).body["text"] == "Born [DATE], seen in 2019."

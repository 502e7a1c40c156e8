"""A message's documents: who is beside them, whom they are about, what is withdrawn."""

from __future__ import annotations

from typing import Any

from ccit.ingest.fhir.documents import MOST_BESIDE, documents_in
from ccit.ingest.fhir.resources import Entry

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "7", "name": [{"family": "Roe"}]}
FATHER: dict[str, Any] = {
    "resourceType": "RelatedPerson",
    "patient": {"reference": "Patient/7"},
    "name": [{"family": "Poe"}],
}
WARD: dict[str, Any] = {"resourceType": "Location", "id": "w", "name": "Elm Ward"}


def condition(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "Asthma"},
        "subject": {"reference": "Patient/7"},
        **more,
    }


def families(people: Any) -> list[str]:
    return [name.family for person in people for name in person.names]


def test_everybody_of_the_message_stands_beside_each_document_whatever_the_order() -> None:
    for entries in ([PATIENT, FATHER, WARD, condition()], [condition(), WARD, FATHER, PATIENT]):
        (document,) = documents_in([Entry(one) for one in entries], "d")
        assert families(document.people) == ["Roe", "Poe"]
        assert (document.subject, document.places, document.notes) == ("Patient/7", ("Elm Ward",), ())


def test_among_many_people_those_whom_a_document_leads_to_are_never_left_out() -> None:
    crowd = [{"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"F{n}"}]} for n in range(MOST_BESIDE + 50)]
    doctor = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Lee"}]}
    visit = {"resourceType": "Encounter", "id": "e", "participant": [{"individual": {"reference": "Practitioner/d"}}]}
    one = condition(encounter={"reference": "Encounter/e"})
    entries = [Entry(each) for each in (*crowd, one, visit, doctor, FATHER, PATIENT)]
    document = next(found for found in documents_in(entries, "d") if found.origin.kind == "Condition")
    assert {"Roe", "Poe", "Lee"} <= set(families(document.people))
    assert families(document.people)[0] == "Roe"
    assert MOST_BESIDE - 5 < len(document.people) <= MOST_BESIDE


def test_among_many_places_those_that_a_document_leads_to_are_never_left_out() -> None:
    crowd: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": f"o{n}", "name": f"House {n}"} for n in range(MOST_BESIDE)
    ]
    own = {"resourceType": "Organization", "id": "own", "name": "Trisku Infirmary"}
    ward = {"resourceType": "Location", "id": "w", "name": "Elm Ward"}
    visit = {"resourceType": "Encounter", "id": "e", "location": [{"location": {"reference": "Location/w"}}]}
    note = condition(encounter={"reference": "Encounter/e"}, custodian={"reference": "Organization/own"})
    entries = [Entry(each) for each in (*crowd, ward, own, visit, PATIENT, note)]
    document = next(found for found in documents_in(entries, "d") if found.origin.kind == "Condition")
    assert {"Trisku Infirmary", "Elm Ward"} <= set(document.places)
    assert len(document.places) == MOST_BESIDE


def test_the_places_that_a_resource_contains_stand_beside_its_document() -> None:
    own = {"resourceType": "Organization", "id": "o", "name": "Trisku Infirmary", "partOf": {"display": "Brenwald"}}
    (document,) = documents_in([Entry(condition(contained=[own], custodian={"reference": "#o"}))], "d")
    assert set(document.places) == {"Trisku Infirmary", "Brenwald"}


def test_a_patient_who_did_not_come_along_is_noted() -> None:
    (document,) = documents_in([Entry(condition())], "d")
    assert (document.subject, [note.kind for note in document.notes]) == ("Patient/7", ["no_demographics"])


def test_a_contained_patient_is_named_by_his_number_or_by_his_place() -> None:
    inside = {"resourceType": "Patient", "id": "p", "name": [{"family": "Roe"}]}
    numbered = {**inside, "identifier": [{"value": "4711"}]}
    found = [
        next(documents_in([Entry(condition(contained=[one], subject={"reference": "#p"}))], "d")).subject
        for one in (inside, numbered)
    ]
    assert found == ["Condition/c#p", "4711"]


def test_what_is_in_error_or_deleted_is_withdrawn_and_says_nothing() -> None:
    wrong = condition(verificationStatus={"coding": [{"code": "entered-in-error"}]}, note=[{"text": "x"}])
    found = list(documents_in([Entry(wrong), Entry({}, deletes="Observation/o"), Entry({}, deletes="Patient/7")], "d"))
    assert [(one.document_id, one.status, one.text, one.fields) for one in found] == [
        ("Condition/c", "withdrawn", "", {}),
        ("Observation/o", "withdrawn", "", {}),
    ]


def test_a_resource_without_an_id_is_named_by_its_url_or_its_content() -> None:
    bare = {"resourceType": "Condition", "code": {"text": "Asthma"}}
    found = [
        next(documents_in([entry], "d")).document_id for entry in (Entry(bare), Entry(dict(bare)), Entry(bare, "urn:1"))
    ]
    assert found[0] == found[1] != found[2] == "urn:1"


def test_a_language_that_is_none_is_not_passed_on() -> None:
    found = [next(documents_in([Entry(condition(language=said))], "d")).language for said in ("de-CH", "QX-55", 7)]
    assert found == ["de-CH", "", ""]


def test_context_gives_no_document() -> None:
    assert list(documents_in([Entry(condition(), context=True), Entry(PATIENT)], "d")) == []

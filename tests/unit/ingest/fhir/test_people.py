"""Whom a resource names, wherever and however."""

from __future__ import annotations

from ccit.clinical import Address, Identifier, Name, Person
from ccit.ingest.fhir.people import people_in, places_in

STRUCTURE = "http://hl7.org/fhir/StructureDefinition"


def test_a_patient_comes_with_all_that_is_said_of_him_and_with_his_relatives() -> None:
    patient = {
        "resourceType": "Patient",
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:h", "value": "4711"}, {"value": None}],
        "name": [{"family": "Roe", "given": ["Ann", None, ""], "prefix": ["Dr"]}, {"text": "Annie"}],
        "telecom": [{"system": "phone", "value": "620 555 0188"}],
        "address": [{"line": ["7 Elm Row"], "city": "Bath", "postalCode": "02139"}],
        "birthDate": "1962-02-14",
        "deceasedDateTime": "2020-01-01",
        "gender": "female",
        "photo": [{"contentType": "image/png", "title": "annroe.png"}],
        "contact": [{"name": {"family": "Poe"}, "telecom": [{"system": "email", "value": "poe@ward.example"}]}],
        "extension": [
            {"url": f"{STRUCTURE}/patient-mothersMaidenName", "valueString": "Joan Loe"},
            {"url": f"{STRUCTURE}/patient-birthPlace", "valueAddress": {"city": "Wells"}},
            {"url": f"{STRUCTURE}/occupation", "valueString": "Baker at Crumb & Sons"},
            {"url": f"{STRUCTURE}/us-core-race", "extension": [{"url": "text", "valueString": "White"}]},
        ],
    }
    found, maiden, contact = people_in(patient)
    assert found == Person(
        "patient",
        names=(Name("Roe", ("Ann",), "Dr"), Name(text="Annie")),
        identifiers=(Identifier("4711", "urn:h", "MR"),),
        addresses=(Address(("7 Elm Row",), "Bath", postal_code="02139"), Address(city="Wells")),
        contacts=("620 555 0188",),
        born="1962-02-14",
        died="2020-01-01",
        sex="female",
        others=("annroe.png", "Baker at Crumb & Sons"),
    )
    assert maiden == Person("relative", names=(Name(text="Joan Loe"),))
    assert contact == Person("relative", names=(Name("Poe"),), contacts=("poe@ward.example",))


def test_a_date_of_birth_may_stand_in_its_extension_alone() -> None:
    patient = {"resourceType": "Patient", "_birthDate": {"extension": [{"valueDateTime": "1970-03-30T10:00:00Z"}]}}
    assert [person.born for person in people_in(patient)] == ["1970-03-30T10:00:00Z"]
    assert list(people_in({"resourceType": "Patient", "_birthDate": ["x"]})) == []


def test_people_stand_in_references_notes_extensions_and_contained_resources() -> None:
    resource = {
        "resourceType": "Procedure",
        "id": "p1",
        "identifier": [{"value": "PR-77"}],
        "subject": {"reference": "Patient/1", "display": "Ann Roe"},
        "performer": [
            {"actor": {"display": "Dr. Lee"}},
            {"actor": {"reference": "Organization/3", "display": "Mercy"}},
        ],
        "note": [{"authorString": "Nurse Poe", "text": "well"}],
        "extension": [{"url": "x", "valueHumanName": {"family": "Doe"}}],
        "contained": [{"resourceType": "RelatedPerson", "name": [{"family": "Moe"}]}, 7],
        "location": {"display": "Ward 7"},
        "reasonReference": [{"reference": "Condition/9", "display": "Asthma"}],
    }
    said = {(person.role, name.family or name.text) for person in people_in(resource) for name in person.names}
    assert said == {
        ("patient", "Ann Roe"),
        ("practitioner", "Dr. Lee"),
        ("author", "Nurse Poe"),
        ("relative", "Doe"),
        ("relative", "Moe"),
    }
    assert [i.value for person in people_in(resource) for i in person.identifiers] == ["PR-77"]
    assert list(places_in(resource)) == ["Ward 7", "Mercy"]


def test_an_organisation_is_a_place_with_addresses_and_numbers_and_nobody() -> None:
    resource = {
        "resourceType": "Organization",
        "name": "Mercy Infirmary",
        "alias": ["The Mercy"],
        "telecom": [{"system": "phone", "value": "620 555 0100"}],
        "contact": [{"name": {"text": "Jo Clerk"}}],
    }
    assert list(places_in(resource)) == ["Mercy Infirmary", "The Mercy"]
    people = list(people_in(resource))
    assert [person.contacts for person in people] == [("620 555 0100",), ()]
    assert [name.text for person in people for name in person.names] == ["Jo Clerk"]

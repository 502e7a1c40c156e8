"""Where a segment names somebody: every field that may, by its place or by its type."""

from __future__ import annotations

import pytest

from ccit.clinical import Address, Identifier, Name, Person
from ccit.ingest.hl7.message import Segment, parse
from ccit.ingest.hl7.people import people_in, worker_in

HEAD = "MSH|^~\\&|LAB|NORTH|||2026||ORU^R01||P|2.5"


def segment(line: str) -> Segment:
    return parse(f"{HEAD}\r{line}".encode()).segments[1]


def filled(name: str, number: int, value: str) -> Segment:
    return segment(f"{name}{'|' * number}{value}")


@pytest.mark.parametrize(
    ("name", "fields", "role"),
    [
        ("PID", (5, 9), "patient"),
        ("PID", (6,), "relative"),
        ("MRG", (7,), "patient"),
        ("NK1", (2, 26, 30), "relative"),
        ("GT1", (3, 4, 42, 45), "relative"),
        ("IN1", (16,), "insured"),
        ("IN1", (6,), "practitioner"),
        ("IN2", (7, 9, 22, 40, 52), "insured"),
    ],
)
def test_a_name_is_found_in_each_of_its_fields(name: str, fields: tuple[int, ...], role: str) -> None:
    for number in fields:
        (person,) = people_in([filled(name, number, "Roe^Ann^Q^Jr^Dr")])
        assert person == Person(role, names=(Name("Roe", ("Ann", "Q"), "Dr", "Jr"),)), number  # type: ignore[arg-type]  # a role


@pytest.mark.parametrize(
    ("name", "number", "role"),
    [("PV1", 7, "practitioner"), ("ORC", 12, "practitioner"), ("OBX", 16, "practitioner"), ("TXA", 9, "author")],
)
def test_who_works_there_has_a_number_and_a_name(name: str, number: int, role: str) -> None:
    people = people_in([filled(name, number, "77^House^Greg^L^^Dr^^^NORTH^^^^NPI")])
    assert Person(role, (Name("House", ("Greg", "L"), "Dr"),), (Identifier("77", "NORTH", "NPI"),)) in people  # type: ignore[arg-type]  # a role


def test_a_name_where_a_number_should_stand_is_a_name() -> None:
    found = worker_in(segment("PV1|1"), "IvanDoctorovich", "practitioner")
    assert found == Person("practitioner", (Name(text="IvanDoctorovich"),))
    assert worker_in(segment("PV1|1"), "^^", "practitioner") is None


def test_one_name_in_subcomponents() -> None:
    (person,) = people_in([filled("OBR", 32, "5&Foreman&Eric^20260101")])
    assert (person.names, person.identifiers[0].value) == ((Name("Foreman", ("Eric",)),), "5")


@pytest.mark.parametrize(
    ("kind", "value", "person"),
    [
        ("XPN", "Poe^Al", Person("relative", names=(Name("Poe", ("Al",)),))),
        ("XCN", "^Poe^Al", Person("relative", names=(Name("Poe", ("Al",)),))),
        ("XAD", "7 Elm St^^Troy", Person("relative", addresses=(Address(("7 Elm St",), "Troy"),))),
        ("XTN", "555-1234", Person("relative", contacts=("555-1234",))),
        ("CX", "4711^^^H^MR", Person("relative", identifiers=(Identifier("4711", "H", "MR"),))),
    ],
)
def test_a_result_may_be_somebody(kind: str, value: str, person: Person) -> None:
    assert people_in([segment(f"OBX|1|{kind}|||{value}")]) == (person,)
    assert people_in([segment(f"OBX|1|TX|||{value}")]) == ()


def test_numbers_without_a_type_have_that_of_their_field() -> None:
    pid = segment(f"PID|1{'|' * 17}ACC7|999-11-2222|DL-5")
    assert [(one.value, one.kind) for one in people_in([pid])[0].identifiers] == [
        *(("ACC7", "AN"), ("999-11-2222", "SS"), ("DL-5", "DL"))
    ]


def test_a_telephone_number_in_parts_and_a_mail_address_are_found() -> None:
    (person,) = people_in([filled("PID", 13, "^PRN^PH^jo@doe.org^1^518^5551234^9~(518)555-9999")])
    assert person.contacts == ("jo@doe.org", "1-518-5551234", "(518)555-9999")


def test_whoever_is_named_twice_comes_once_and_the_patient_first() -> None:
    nk1, pid = filled("NK1", 2, "Roe^Ann"), filled("PID", 5, "Doe^Jo")
    assert [person.role for person in people_in([nk1, nk1, pid])] == ["patient", "relative"]

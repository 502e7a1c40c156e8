"""Messages to clinical documents: texts, results, amendments, withdrawals, and everybody who is named."""

from __future__ import annotations

import base64

import pytest

from ccit.clinical import ClinicalDocument
from ccit.ingest.hl7.documents import documents_in, subject_of
from ccit.ingest.hl7.message import parse

PID = (
    "PID|1||123^^^NORTH&1.2&ISO^MR~999-11-2222^^^SSA^SS"
    "||Doe^Jo^Q^^Mr~Roe^Jo||19620214|M|||7 Elm St^Apt 2^Troy^NY^12180^USA"
    "||(518)555-1234^PRN^PH^jo@doe.org|5185559999|||||ACC77|999-11-2222|DL-5||||||||20260303"
)
NK1 = "NK1|1|Doe^Ann^^^Mrs|DAU|8 Oak Ave^^Troy^NY^12181|5185550000"


def read(*lines: str, kind: str = "ORU^R01", end: str = "\r") -> list[ClinicalDocument]:
    header = rf"MSH|^~\&|LAB|NORTH|||20260101||{kind}|17|P|2.5"
    return list(documents_in(parse(end.join((header, *lines)).encode()), "0" * 64))


def test_a_report_is_its_paragraphs_and_a_result_a_line_and_a_value() -> None:
    (document,) = read(
        PID,
        "OBR|1|P1|F1|24^CHEST XRAY^L|||20260102||||||||||||||||||F",
        "OBX|1|TX|||Heart normal.~Lungs clear.||||||F",
        "OBX|2|NM|718-7^Hemoglobin^LN||9.1|g/dL|12.0-16.0|L|||F|||20260102",
        "NTE|1||Seen \\T\\ signed.",
    )
    assert document.text == "Heart normal.\nLungs clear.\nHemoglobin: 9.1 g/dL (12.0-16.0) L\nSeen & signed."
    assert (document.title, document.status, document.subject, document.written) == (
        "CHEST XRAY", "final", "123|NORTH", "20260102",
    )  # fmt: skip
    (entry,) = document.fields["observations"]
    assert (entry["code"]["code"], entry["value"], entry["unit"], entry["flags"]) == ("718-7", "9.1", "g/dL", ["L"])


def test_who_is_a_result_is_on_the_list_as_well() -> None:
    (document,) = read(
        PID,
        "OBR|1||F1|24^X",
        "OBX|1|XPN|9^Next of kin^L||Quell^Ada||||||F",
        "OBX|2|XCN|9^Seen by^L||41^Roth^Uri||||||F",
        "OBX|3|XAD|9^Found at^L||9 Pine Way^^Vell^NY^12190||||||F",
        "OBX|4|XTN|9^Call^L||5185550177||||||F",
        "OBX|5|CX|9^Other number^L||778812^^^EAST^MR||||||F",
    )
    assert {"Quell", "Roth"} <= {name.family for person in document.people for name in person.names}
    assert "Vell" in {one.city for person in document.people for one in person.addresses}
    assert "5185550177" in {contact for person in document.people for contact in person.contacts}
    assert {"41", "778812"} <= {one.value for person in document.people for one in person.identifiers}


def test_everybody_is_named_wherever_he_stands() -> None:
    (document,) = read(
        PID,
        "PV1|1|I|WARD3^12^A^NORTH||||77^House^Greg^^^Dr|88^Wilson^James|||||||||||V55",
        "OBR|1||F1|24^X||||||||||||66^Cuddy^Lisa||||||||||||||||5&Foreman&Eric",
        "OBX|1|TX|||Ill.||||||F|||||9^Chase^Robert",
        NK1,
        "IN1|1|PPO|C1|Acme|||||G1|||||||Doe^Sam|||||||||||||||||||||POL9",
    )
    families = {name.family for person in document.people for name in person.names}
    assert {"Doe", "Roe", "House", "Wilson", "Cuddy", "Foreman", "Chase"} <= families
    numbers = {one.value for person in document.people for one in person.identifiers}
    assert {"123", "999-11-2222", "ACC77", "DL-5", "V55", "F1", "77", "66", "5", "9", "17"} <= numbers
    patient = next(person for person in document.people if person.names)
    assert patient.role == "patient"
    assert patient.born == "19620214"
    assert patient.died == "20260303"
    assert patient.names[0].given == ("Jo", "Q")
    assert set(patient.contacts) >= {"(518)555-1234", "jo@doe.org", "5185559999"}
    assert patient.addresses[0].lines == ("7 Elm St", "Apt 2")
    assert patient.addresses[0].postal_code == "12180"
    relatives = [person for person in document.people if person.role == "relative"]
    assert [person.names[0].given for person in relatives if person.names] == [("Ann",)]
    assert {"WARD3", "NORTH", "Acme"} <= set(document.places)


@pytest.mark.parametrize(
    ("codes", "status", "text"),
    [
        ("FF", "final", "one\ntwo"),
        ("FC", "amended", "one\ntwo"),
        ("FD", "amended", "one"),
        ("DD", "withdrawn", ""),
        ("WW", "withdrawn", ""),
        ("PP", "preliminary", "one\ntwo"),
    ],
)
def test_corrections_and_deletions_make_the_status(codes: str, status: str, text: str) -> None:
    first, second = codes[0], codes[1]
    (document,) = read(PID, "OBR|1||F1|24^X", f"OBX|1|TX|||one||||||{first}", f"OBX|2|TX|||two||||||{second}")
    assert (document.status, document.text) == (status, text)
    assert document.document_id == "F1/24"


@pytest.mark.parametrize(
    ("trigger", "status", "replaces"),
    [
        ("T02", "final", ()),
        ("T08", "amended", ()),
        ("T10", "amended", ("D1",)),
        ("T11", "withdrawn", ("D1",)),
    ],
)
def test_document_messages_replace_and_withdraw(trigger: str, status: str, replaces: tuple[str, ...]) -> None:
    txa = "TXA|1|HP^History^L|TX|20260101||20260102|||7^House^Greg|||D2|D1||||AU"
    (document,) = read(PID, txa, "OBX|1|TX|||Well.||||||F", kind=f"MDM^{trigger}")
    assert (document.document_id, document.status, document.replaces) == ("D2", status, replaces)
    assert document.text == ("" if status == "withdrawn" else "Well.")
    assert any(person.role == "author" for person in document.people)


BASE64 = base64.b64encode(b"<p>Fever.</p><p>Cough &amp; cold.</p>").decode()


@pytest.mark.parametrize(
    ("value", "end"),
    [
        (f"^text^HTML^Base64^{BASE64}", "\r"),
        (f"^^^^{BASE64}", "\r"),
        (f"{BASE64}", "\r"),
        (f"^^^^{BASE64[:20]}\n{BASE64[20:]}\n", "\r"),
        (f"^^^^{BASE64[:20]}\\.br\\{BASE64[20:]}", "\r"),
    ],
)
def test_documents_inside_are_read_whatever_is_left_out_around_them(value: str, end: str) -> None:
    (document,) = read(PID, "OBR|1||F1|24^X", f"OBX|1|ED|PDF||{value}")
    assert document.text == "Fever.\nCough & cold."


def test_what_cannot_be_read_inside_is_noted_without_a_quote() -> None:
    (document,) = read(PID, "OBR|1||F1|24^X", "OBX|1|ED|PDF||^^^Base64^secret!", "OBX|2|RP|||path^x")
    assert {note.kind for note in document.notes} == {"not_read", "not_fetched"}
    assert "secret" not in "".join(note.detail for note in document.notes)


def test_facts_of_any_message_stand_alone_and_local_segments_are_counted() -> None:
    found = read(
        PID, "AL1|1|DA|70618^Penicillin^RX|SV|Hives~Rash", "DG1|1||J45^Asthma^I10^^a^b^^^c|Asthma|20260101", "ZPD|x|y",
        "ZPD|z",
        kind="ADT^A01",
    )  # fmt: skip
    assert [(d.kind, d.title) for d in found] == [("allergy", "Penicillin"), ("diagnosis", "Asthma")]
    assert found[0].text == "Allergy: Penicillin (category: DA, severity: SV, reaction: Hives, Rash)"
    assert [note.detail for note in found[0].notes] == ["2 segments of local types are not read"]


def test_each_patient_of_a_message_has_his_own_people() -> None:
    first, second = read(PID, "OBR|1||F1|24^X", "OBX|1|TX|||a", "PID|2||77||Poe^Al", "OBR|1||F2|24^X", "OBX|1|TX|||b")
    assert (first.subject, second.subject) == ("123|NORTH", "77")
    assert "Poe" not in {name.family for person in first.people for name in person.names}


def test_two_tests_of_one_order_are_two_documents() -> None:
    found = read(PID, "OBR|1||F1|24^X", "OBX|1|TX|||a", "OBR|2||F1|24^X", "OBX|1|TX|||b")
    assert [document.document_id for document in found] == ["F1/24", "F1/24#2"]


def test_the_subject_is_the_documents() -> None:
    assert subject_of(parse(("MSH|^~\\&|A\r" + PID).encode())) == "123|NORTH"


@pytest.mark.parametrize("body", ["OBR|1|||24^CHEST XRAY\rOBX|1|TX|||Clear.", "OBX|1|TX|||Clear.", "TXA|1|CN"])
def test_a_message_without_a_number_is_numbered_by_its_digest(body: str) -> None:
    message = parse(f"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01||P|2.5\r{PID}\r{body}".encode())
    first, second = (next(iter(documents_in(message, digest))) for digest in ("a" * 64, "b" * 64))
    assert first.document_id != second.document_id
    assert first.origin.message_id == "a" * 64

from __future__ import annotations

import base64

import pytest

from ccit.ingest.hl7.message import parse
from ccit.ingest.hl7.observations import Observation, observation_in


def observed(line: str) -> Observation:
    return observation_in(parse(f"MSH|^~\\&|L|N|||2026||ORU^R01||P|2.5\r{line}".encode()).segments[1])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("OBX|1|NM|2160-0^Creatinine||98.00|UMOLL|49 - 92|H|||F", "Creatinine: 98.00 UMOLL (49 - 92) H"),
        ("OBX|1|NM|2160-0^Creatinine||60||||N||F", "Creatinine: 60"),
        ("OBX|1|SN|1^Titer||^1^:^80", "Titer: 1 : 80"),
        ("OBX|1|CWE|1^Gram stain||G^Gram positive^L~C^Cocci^L", "Gram stain: Gram positive, Cocci"),
        ("OBX|1|ST|1^Ketones||negative", "Ketones: negative"),
        ("OBX|1|TX|1^Report||The lungs~are clear", "The lungs\nare clear"),
        ("OBX|1|XPN|1^Seen by||Roe^Ann", "Seen by: Roe Ann"),
        ("OBX|1|NM|1^Creatinine||", ""),
    ],
)
def test_an_observation_reads_as_a_person_would_say_it(line: str, text: str) -> None:
    assert observed(line).text == text


def test_a_value_is_kept_with_its_code_and_unit() -> None:
    entry = observed("OBX|1|NM|2160-0^Creatinine^LN|2|98|umol/l|49-92|H|||C|||20260101").entry
    assert entry == {
        "code": {"code": "2160-0", "text": "Creatinine", "system": "LN"},
        "type": "NM",
        "value": "98",
        "unit": "umol/l",
        "range": "49-92",
        "flags": ["H"],
        "at": "20260101",
        "sub_id": "2",
        "status": "C",
    }
    assert observed("OBX|1|TX|1^Report||The lungs are clear").entry == {}


@pytest.mark.parametrize(
    ("code", "status"),
    [("F", "final"), ("C", "amended"), ("D", "withdrawn"), ("W", "withdrawn"), ("P", "preliminary"), ("", "unknown")],
)
def test_what_its_sender_says_of_it_is_its_status(code: str, status: str) -> None:
    found = observed(f"OBX|1|NM|1^Creatinine||98||||||{code}")
    assert found.status == status
    assert bool(found.text) is (status != "withdrawn")


@pytest.mark.parametrize(
    ("kind", "value", "text", "notes"),
    [
        ("ED", f"^text^HTML^Base64^{base64.b64encode(b'<p>Fever.</p>').decode()}", "Fever.", ["attachment"]),
        ("ED", f"^TX^^Hex^{b'Fever.'.hex()}", "Fever.", ["attachment"]),
        ("ED", "^TX^^A^Fever.", "Fever.", ["attachment"]),
        ("ED", "^TX^^Hex^secret", "", ["not_read"]),
        ("RP", "path^x", "", ["not_fetched"]),
    ],
)
def test_documents_inside(kind: str, value: str, text: str, notes: list[str]) -> None:
    found = observed(f"OBX|1|{kind}|1^Letter||{value}||||||F")
    assert (found.text, [note.kind for note in found.notes]) == (text, notes)
    assert not any("secret" in note.detail for note in found.notes)

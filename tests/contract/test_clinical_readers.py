"""What every registered ClinicalReader must do."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ccit.clinical import ClinicalDocument
from ccit.errors import InputError
from ccit.plugins import Plugin
from ccit.ports.clinical import ClinicalContext, ClinicalReader
from ccit.ports.ingest import RawMessage
from ccit.records import DEAD_LETTER_REASONS
from tests.contract.registered import each, made

CONTEXT = ClinicalContext(max_bytes=2000)
CANARY = "Zyxwald"
HL7 = f"MSH|^~\\&|L|N|||2026||ORU^R01|7|P|2.5\rPID|1||12||{CANARY}\rOBR|1||5|1^X\rOBX|1|TX|||{CANARY} is ill\r".encode()
PATIENT = f'{{"resourceType": "Patient", "id": "{CANARY}", "name": [{{"family": "{CANARY}"}}]}}'
FHIR = (
    f'{{"resourceType": "Condition", "id": "{CANARY}", "contained": [{PATIENT}], "code": {{"text": "ill"}}}}'.encode()
)
TYPES = st.sampled_from(["", "application/hl7-v2", "application/fhir+json", "application/fhir+ndjson", "text/plain"])
WHOLE = st.sampled_from([HL7, FHIR, HL7 * 9, FHIR + b"\n" + FHIR])
CUT = st.builds(
    lambda whole, at, more: whole[:at] + more + whole[at:], WHOLE, st.integers(0, 300), st.binary(max_size=9)
)
VALUES = st.none() | st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | WHOLE | CUT


def read(reader: ClinicalReader, message: RawMessage) -> list[ClinicalDocument] | tuple[str, str]:
    try:
        return list(reader.documents(message))
    except InputError as error:
        return error.reason, error.detail


@each("clinical_reader")
@given(said=TYPES, value=VALUES)
def test_whatever_comes_is_documents_or_one_refusal_and_the_same_again(
    entry: Plugin, said: str, value: bytes | None
) -> None:
    reader: ClinicalReader = made(entry, CONTEXT)
    message = RawMessage(said, value, received_at=1.5)
    found = read(reader, message)
    assert found == read(reader, message) == read(pickle.loads(pickle.dumps(reader)), message)
    if isinstance(found, tuple):
        assert found[0] in DEAD_LETTER_REASONS
        assert found[1]
        assert CANARY not in found[1]
    else:
        assert CANARY not in repr(found)
        assert len({(document.origin.message_digest, document.origin.part) for document in found}) == len(found)


@each("clinical_reader")
@given(said=TYPES, value=VALUES)
def test_what_it_accepts_depends_on_type_and_head_alone(entry: Plugin, said: str, value: bytes | None) -> None:
    reader: ClinicalReader = made(entry, CONTEXT)
    head = (value or b"")[:64]
    assert reader.accepts(said, head) == reader.accepts(said, head)

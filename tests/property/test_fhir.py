"""Laws of the FHIR reader: nothing that a record holds of people comes out clean; nothing that comes in ends it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.clinical import ClinicalDocument
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import DocumentCleaner
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.surrogates import SurrogateTable
from ccit.errors import InputError
from ccit.ingest.clinical.fhir import FhirReader
from ccit.ingest.clinical_files.files import ClinicalFiles
from ccit.ingest.fhir.documents import DRAFTS
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage
from ccit.records import DEAD_LETTER_REASONS
from ccit.testing import recognisers

READER = FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=100_000))
CLEANER = DocumentCleaner(Deidentifier(recognisers(), SafeHarbor()), SurrogateTable(None))

CANARIES = (
    *("Zyxwald", "Oxaker", "Kermovtri", "Ghobren", "714 Skumov Row", "Brenwald", "QX-5530871", "620 555 0188"),
    *("zz.top@ward.example.org", "Trisku Regional Infirmary", "1962-02-14", "ORD-8812345"),
)
PEOPLE = [
    {
        "resourceType": "Patient",
        "id": "7",
        "identifier": [{"value": "QX-5530871"}],
        "name": [{"family": "Zyxwald", "given": ["Oxaker"]}],
        "telecom": [{"system": "phone", "value": "620 555 0188"}, {"system": "email", "value": CANARIES[8]}],
        "address": [{"line": ["714 Skumov Row"], "city": "Brenwald"}],
        "birthDate": "1962-02-14",
    },
    {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/7"}, "name": [{"text": "Kermovtri"}]},
    {"resourceType": "Practitioner", "name": [{"family": "Ghobren"}]},
    {"resourceType": "Organization", "name": "Trisku Regional Infirmary", "identifier": [{"value": "ORD-8812345"}]},
]
CONCEPT = {"coding": [{"system": "urn:s", "code": "1", "display": "word", "version": "1"}], "text": "word"}
QUANTITY = {"value": 9.1, "unit": "g/dL", "code": "g/dL", "comparator": "<", "system": "urn:u"}
NOTE = [{"text": "word", "authorString": "word", "time": "2019"}]
NARRATIVE = {"status": "generated", "div": "<div>word</div>"}
FIELDS: dict[str, Any] = {
    "status": "final",
    "language": "en",
    "code": CONCEPT,
    "type": CONCEPT,
    "category": [CONCEPT],
    "medicationCodeableConcept": CONCEPT,
    "vaccineCode": CONCEPT,
    "clinicalStatus": CONCEPT,
    "severity": CONCEPT,
    "bodySite": [CONCEPT],
    "reasonCode": [CONCEPT],
    "reasonReference": [{"reference": "Condition/x", "display": "word"}],
    "note": NOTE,
    "valueString": "word",
    "onsetString": "word",
    "effectiveDateTime": "2019-03-14T10:00:00Z",
    "recordedDate": "2019-03-14",
    "period": {"start": "2019-03-14", "end": "2019"},
    "component": [{"code": CONCEPT, "valueQuantity": QUANTITY, "interpretation": [CONCEPT]}],
    "referenceRange": [{"text": "word", "low": QUANTITY}],
    "dosageInstruction": [{"text": "word", "route": CONCEPT, "doseAndRate": [{"doseQuantity": QUANTITY}]}],
    "reaction": [{"manifestation": [CONCEPT], "severity": "mild", "description": "word"}],
    "conclusion": "word",
    "conclusionCode": [CONCEPT],
    "description": "word",
    "title": "word",
    "date": "2019-03-14",
    "section": [{"title": "word", "text": NARRATIVE}],
    "text": NARRATIVE,
    "content": [{"attachment": {"contentType": "text/plain", "data": "d29yZA==", "title": "word"}}],
    "meta": {"source": "word"},
    "diagnosis": [{"condition": {"display": "word"}}],
    "extension": [{"url": "word", "valueString": "word"}],
    "somethingNew": {"word": ["word"]},
}
"""What resources of all types hold; each reads what is its own."""


def places(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of a resource stand."""
    if isinstance(node, str):
        yield here
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*here, key))


EVERYWHERE = list(places(FIELDS))


def planted(chosen: dict[tuple[Any, ...], str]) -> dict[str, Any]:
    resource: dict[str, Any] = json.loads(json.dumps(FIELDS))
    for place, text in chosen.items():
        node = resource
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = base64.b64encode(text.encode()).decode() if place[-1] == "data" else text
    return resource


def said(canary: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = ("{}", "seen with {} at home", "{}, today.", "({})", "by {}")
    return st.builds(lambda form, text: form.format(text), st.sampled_from(forms), canary)


@given(
    kind=st.sampled_from(sorted(DRAFTS)),
    chosen=st.dictionaries(st.sampled_from(EVERYWHERE), said(st.sampled_from(CANARIES)), min_size=1, max_size=12),
)
@settings(max_examples=150)
def test_what_the_record_holds_of_people_comes_out_of_no_field(kind: str, chosen: dict[tuple[Any, ...], str]) -> None:
    resource = {**planted(chosen), "resourceType": kind, "id": "1", "subject": {"reference": "Patient/7"}}
    entries = [{"resource": one} for one in (*PEOPLE, resource)]
    value = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
    for document in READER.documents(RawMessage("", value, 0.0)):
        try:
            clean = json.dumps(CLEANER.clean(document).body, ensure_ascii=False)
        except InputError as held_back:
            clean = str(held_back)
        assert [canary for canary in CANARIES if canary in clean] == []
        assert all(canary not in f"{note.detail}" for note in document.notes for canary in CANARIES)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "coding",
                    "display",
                    "reference",
                    "value",
                    "system",
                    "name",
                    "given",
                    "text",
                    "url",
                    "data",
                    "identifier",
                    "x",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    kind=st.sampled_from([*sorted(DRAFTS), "Patient", "Bundle", "Binary", "Parameters", "Zyxwald"]),
    wrong=st.dictionaries(
        st.sampled_from([*FIELDS, "entry", "contained", "result", "presentedForm", "subject", "name", "contact", "id",
                         "extension", "photo", "_birthDate", "dosage", "relatesTo", "parameter", "identifier"]),
        JSON_VALUES, max_size=6,
    ),
)  # fmt: skip
@settings(max_examples=200)
def test_a_resource_with_anything_anywhere_gives_documents_or_one_refusal(kind: str, wrong: dict[str, Any]) -> None:
    value = json.dumps({"resourceType": kind, "code": CONCEPT, **wrong}).encode()
    found: list[ClinicalDocument] | InputError
    try:
        found = list(READER.documents(RawMessage("application/fhir+json", value, 0.0)))
    except InputError as refused:
        found = refused
    if isinstance(found, InputError):
        assert found.reason in ("not_json", "wrong_schema", "too_large")
    else:
        assert len({document.origin.part for document in found}) == len(found)


LINE = json.dumps({"resourceType": "Condition", "code": CONCEPT, "subject": {"reference": "Patient/7"}}).encode()
WHOLE = json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in PEOPLE]}, indent=1).encode()
STARTS = (LINE + b"\n" + LINE, WHOLE, WHOLE * 3, b"[" + LINE + b"," + LINE + b"]", b"MSH|^~\\&|L\rPID|1\r", b"")


@given(
    start=st.sampled_from(STARTS),
    at=st.integers(0, 2000),
    more=st.binary(max_size=20) | st.sampled_from([b'"', b"}", b"[" * 300, b"\n", b"\xff", b'\\ud800"', b"1e999"]),
    packed=st.booleans(),
    max_bytes=st.sampled_from([200, 5000]),
)
@settings(max_examples=150)
def test_any_file_gives_messages_and_sentences_and_nothing_ends_it(
    start: bytes, at: int, more: bytes, packed: bool, max_bytes: int
) -> None:
    value = start[:at] + more + start[at:]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(gzip.compress(value)[: -1 if at % 2 else None] if packed else value)
        with ClinicalFiles([path], max_bytes) as files:
            for piece in files.pieces(path):
                assert len(piece.value) <= max_bytes
                assert piece.fault is None or piece.fault.reason in DEAD_LETTER_REASONS

"""Clinical documents as JSON lines: for `ccit deidentify` and for whoever reads another format than HL7 v2 and FHIR.

A line is `ccit/clinical.py`'s `ClinicalDocument` as an object, of which only `text` must be there. A key that it does
not have is refused: what a typing error names (`peopel`) would be missing from the deny-list of the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ccit.clinical import Address, ClinicalDocument, Identifier, Name, Note, Origin, Person
from ccit.errors import InputError
from ccit.ingest.strict import parse_strict

_FIELDS = frozenset(one.name for one in fields(ClinicalDocument))
_HOLDS: Mapping[str, type] = {
    "origin": Origin,
    "people": Person,
    "names": Name,
    "identifiers": Identifier,
    "addresses": Address,
    "notes": Note,
}  # fields that hold objects of ours; all other objects have the sender's own keys


@cache
def _adapter() -> TypeAdapter[ClinicalDocument]:
    return TypeAdapter(ClinicalDocument)


def document_from_line(line: bytes, name: str) -> ClinicalDocument:
    """The document of a line.

    Parameters
    ----------
    name : str
        What the document is called where it does not say it.

    Raises
    ------
    InputError
        `empty`, `not_json`, `too_large` or `wrong_schema`, in a sentence that quotes nothing.

    >>> document_from_line(b'{"text": "Hgb 9.1", "people": [{"role": "patient", "born": "1962"}]}', "ward:1").text
    'Hgb 9.1'
    """
    read = parse_strict(line)
    if not isinstance(read, dict) or not isinstance(read.get("text"), str):
        raise InputError("wrong_schema", "expected a JSON object with a `text`, found none")
    if unknown := _unknown_keys(read, ClinicalDocument):
        raise InputError(
            "wrong_schema", f"expected keys of a clinical document alone, found {unknown} others; see ccit/clinical.py"
        )
    origin = {"form": "other", "kind": "document", "message_id": name, "message_digest": ""}
    try:
        return _adapter().validate_python({"document_id": name, "origin": origin} | read)
    except ValidationError as error:
        raise InputError("wrong_schema", f"clinical document: {_fault(error)}") from None


def _unknown_keys(given: Mapping[str, Any], kind: type) -> int:
    known = {one.name for one in fields(kind)}
    count = len(given.keys() - known)
    for key in given.keys() & known & _HOLDS.keys():
        inner = given[key] if isinstance(given[key], list) else [given[key]]
        count += sum(_unknown_keys(one, _HOLDS[key]) for one in inner if isinstance(one, dict))
    return count


def _fault(error: ValidationError) -> str:
    """The first thing wrong, and the field of `ClinicalDocument` in which it is: deeper keys are the sender's own."""
    fault = error.errors(include_input=False, include_url=False)[0]
    field = str(fault["loc"][0]) if fault["loc"] else ""
    return f"{field if field in _FIELDS else 'a key'}: {fault['msg']}"


def document_of_text(text: str, name: str) -> ClinicalDocument:
    """A text alone, of which no record says anything."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return ClinicalDocument(name, Origin("other", "document", name, digest), text=text)

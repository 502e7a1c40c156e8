"""FHIR R4 in JSON: a resource, a Bundle, or one resource per line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from ccit.bounds import FACTOR
from ccit.clinical import ClinicalDocument
from ccit.errors import InputError
from ccit.ingest.fhir.documents import documents_in
from ccit.ingest.fhir.resources import entries_in
from ccit.ingest.strict import BYTE_ORDER_MARK
from ccit.plugins import PluginSettings, plugin
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage

_JSON = ("", "application/json", "application/x-ndjson", "application/ndjson")


@plugin("clinical_reader")
class FhirReader:
    """Reads FHIR R4 (resources, Bundles, NDJSON): notes, reports, results, diagnoses, procedures, medicines, visits.

    Example
    -------
    >>> reader = FhirReader(FhirReader.Settings(), ClinicalContext(max_bytes=1000))
    >>> value = (b'{"resourceType": "Condition", "id": "c", "code": {"text": "Asthma"}, "subject": {"reference": "#p"},'
    ...          b' "contained": [{"resourceType": "Patient", "id": "p", "name": [{"family": "Doe"}]}]}')
    >>> (document,) = reader.documents(RawMessage("application/fhir+json", value, received_at=0.0))
    >>> document.text, document.document_id, document.people[0].names[0].family
    ('Diagnosis: Asthma', 'Condition/c', 'Doe')
    """

    types: ClassVar[tuple[str, ...]] = (
        "application/fhir+json",
        "application/fhir+ndjson",
        "application/json+fhir",
        "application/fhir+xml",  # to be refused in a sentence
    )

    class Settings(PluginSettings):
        """What becomes of documents that are said to be out of date."""

        kind: Literal["fhir"] = "fhir"
        superseded: Literal["read", "withdraw"] = Field(
            "read",
            description="what becomes of a DocumentReference that a newer one supersedes; exporters give this status "
            "to all notes of a patient but the last, so it is read like any other",
        )

    def __init__(self, settings: Settings, context: ClinicalContext) -> None:
        self._withdraws = settings.superseded == "withdraw"
        self._max_bytes = context.max_bytes
        self._affordable = FACTOR * context.max_bytes  # what the largest message may need anyway

    def accepts(self, content_type: str, head: bytes) -> bool:
        """By its type; and what begins like JSON, for nothing else on `clinical` does."""
        begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
        return content_type in self.types or (content_type in _JSON and begins in (b"{", b"["))

    def documents(self, message: RawMessage) -> Iterator[ClinicalDocument]:
        """The documents of each resource in it. Raises `InputError`."""
        value = message.value or b""
        if len(value) > self._max_bytes:
            raise InputError("too_large", f"expected at most {self._max_bytes} bytes, found {len(value)}; split it")
        for document in documents_in(entries_in(value, self._affordable), hashlib.sha256(value).hexdigest()):
            superseded = any(note.kind == "superseded" for note in document.notes)
            if superseded and self._withdraws:
                yield replace(document, status="withdrawn", text="", fields={})
            else:
                yield document

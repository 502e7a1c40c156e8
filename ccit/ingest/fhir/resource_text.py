"""What a resource says as a document, before the people of its message are put beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccit.clinical import Note
from ccit.ingest.fhir.resources import Resource, ResourceSet, type_in
from ccit.ingest.fhir.values import at, days_of, label_of, text_of, words_of

_SPOKEN_OF = {
    *("Condition", "Observation", "Procedure", "DiagnosticReport", "Medication", "Substance", "AllergyIntolerance"),
    *("MedicationRequest", "Immunization", "ServiceRequest", "FamilyMemberHistory"),
}


@dataclass(frozen=True, slots=True)
class ResourceText:
    """The text of a resource, and what stands around it."""

    kind: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    written: str = field(default="", repr=False)
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    replaces: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A resource in its message; what references in it mean is looked up there."""

    resource: Resource = field(repr=False)
    message: ResourceSet = field(repr=False)
    holder: Resource = field(repr=False)

    def words(self, path: str) -> str:
        """All values at a path in words; a reference by what it means, a note by its text, people never."""
        found = (self._said(value) for value in at(self.resource, path))
        return ", ".join(dict.fromkeys(text for text in found if text))

    def resolved(self, value: Any) -> Resource | None:
        """What a reference means."""
        return self.message.resolve(value, self.holder)

    def concept(self, value: Any) -> Any:
        """The code of a value: its own, or that of the resource that it refers to (a Medication)."""
        if not _is_reference(value):
            return value
        found = self.resolved(value) or {}
        return found.get("code") or next(iter(at(found, "ingredient.item")), None) or {"text": _shown(value)}

    def _said(self, value: Any) -> str:
        if _is_reference(value):
            found = self.resolved(value)
            return _shown(value) or (label_of(found.get("code")) if found is not None and _speakable(found) else "")
        return words_of(value)


def dates_of(resource: Resource, stems: Mapping[str, str]) -> dict[str, str]:
    """Dates by name, as they were written; of a period its start under the name, its end under `NAME_end`.

    Parameters
    ----------
    stems : Mapping[str, str]
        Name of the date -> where it stands.

    >>> dates_of({"performedPeriod": {"start": "2013-01-28", "end": "2013-02-01"}}, {"performed": "performed"})
    {'performed': '2013-01-28', 'performed_end': '2013-02-01'}
    """
    found: dict[str, str] = {}
    for name, path in stems.items():
        for value in at(resource, path)[:1]:
            found |= {f"{name}_end" if part == "end" else name: day for part, day in days_of(value)}
    return found


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and "coding" not in value and isinstance(value.get("reference"), str)


def _shown(value: Mapping[str, Any]) -> str:
    """The text of a reference to something that is no person and no place."""
    kind = type_in(value)
    return text_of(value.get("display")) if kind in _SPOKEN_OF or str(value["reference"]).startswith("#") else ""


def _speakable(resource: Resource) -> bool:
    return resource.get("resourceType") in _SPOKEN_OF

"""A FHIR message's clinical documents.

| resource | document |
|---|---|
| DocumentReference, DiagnosticReport, Composition | its text (`texts.py`) |
| Observation | a line with its value, its components below (`observations.py`) |
| Condition, Procedure, MedicationRequest, AllergyIntolerance, Encounter, ... | a sentence (`facts.py`) |
| Patient, RelatedPerson, Practitioner, Organization, ... | none: whom they name is the deny-list of the others |
| what a Bundle deletes | withdrawn |

Everybody whom the message names stands beside each document, its own people first: a text may name the father, who is
a resource of his own; and every place. In a message of more than `MOST_BESIDE` people or places, those to whom the
document's resource leads come first, and the rest as far as there is room.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TypeVar

import orjson

from ccit.clinical import ClinicalDocument, Note, Origin, Person
from ccit.ingest.fhir.facts import FACTS, fact_in
from ccit.ingest.fhir.observations import observation_in
from ccit.ingest.fhir.people import people_in, places_in
from ccit.ingest.fhir.resource_text import Place, ResourceText
from ccit.ingest.fhir.resources import Entry, Resource, ResourceSet, references_in, targets_of
from ccit.ingest.fhir.status import status_of
from ccit.ingest.fhir.texts import composition_in, document_reference_in, report_in
from ccit.ingest.fhir.values import at, text_of

MOST_BESIDE = 200  # people, and places, that do not belong to the document
MOST_REFERENCES = 2000  # followed at each distance
FAR = 3  # references followed from a document: to its visit, to who saw the patient there, to his organisation

DRAFTS: Mapping[str, Callable[[Place], ResourceText]] = {
    "DocumentReference": document_reference_in,
    "DiagnosticReport": report_in,
    "Composition": composition_in,
    "Observation": observation_in,
    **dict.fromkeys(FACTS, fact_in),
}
"""Types of resources that are documents, and what reads them."""

FOLLOWERS = ("RelatedPerson", "Coverage", "Person", "Account", "Patient")
"""Types that name their patient and not the other way round."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")  # a name may stand there by mistake
_NO_DEMOGRAPHICS = Note(
    "no_demographics", "the patient's own record did not come along: only what stands beside the text is known of him"
)

_Item = TypeVar("_Item")


def documents_in(entries: list[Entry], digest: str) -> Iterator[ClinicalDocument]:
    """The documents of a message, in order; a message that holds none (a Patient alone) gives none.

    Parameters
    ----------
    digest : str
        SHA-256 (hex) of the message's bytes.
    """
    known = _Known(ResourceSet(entries))
    part = 0
    for entry in entries:
        if not entry.context and (document := _document(entry, known, digest)) is not None:
            yield replace(document, origin=replace(document.origin, part=part))
            part += 1


def name_of(entry: Entry) -> str:
    """`Type/id`, else the URL in its Bundle, else `Type/` with a digest of its content."""
    kind, own = text_of(entry.resource.get("resourceType")), text_of(entry.resource.get("id"))
    if own:
        return f"{kind}/{own}"
    content = orjson.dumps(entry.resource, option=orjson.OPT_SORT_KEYS)
    return entry.full_url or f"{kind}/{hashlib.sha256(content).hexdigest()[:32]}"


def patient_of(resource: Resource) -> object:
    """The reference to the patient whom a resource is about; None where there is none."""
    return next((one for path in ("subject", "patient", "beneficiary") for one in at(resource, path)), None)


class _Known:
    """What a message says of people and places, looked through once."""

    def __init__(self, message: ResourceSet) -> None:
        self.message = message
        self._people: dict[int, tuple[Person, ...]] = {}
        self._places: dict[int, tuple[str, ...]] = {}
        for entry in message.entries:
            self._people[id(entry.resource)] = tuple(people_in(entry.resource))
            self._places[id(entry.resource)] = tuple(places_in(entry.resource))
        self._everybody = tuple(dict.fromkeys(chain.from_iterable(self._people.values())))
        self._everywhere = tuple(dict.fromkeys(chain.from_iterable(self._places.values())))
        self._by_patient: dict[int, tuple[Person, ...]] = {}
        self._followers: dict[int, list[Resource]] = {}
        for entry in message.entries:
            patient = self.patient(entry.resource)
            if patient is not None and entry.resource.get("resourceType") in FOLLOWERS:
                self._followers.setdefault(id(patient), []).append(entry.resource)

    def patient(self, resource: Resource) -> Resource | None:
        """The patient's own record."""
        return self.message.resolve(patient_of(resource), resource)

    def beside(self, resource: Resource) -> tuple[tuple[Person, ...], tuple[str, ...]]:
        """Everybody of the message, the patient first, and every place; of many those whom the resource leads to."""
        patient = self.patient(resource)
        first = () if patient is None else self._people_in(patient)
        if max(len(self._everybody), len(self._everywhere)) <= MOST_BESIDE:
            if id(patient) not in self._by_patient:
                self._by_patient[id(patient)] = _patient_first((*first, *self._everybody))
            return self._by_patient[id(patient)], self._everywhere
        reached = self._reached(resource, patient)
        people = (*first, *(person for one in reached for person in self._people_in(one)))
        places = (place for one in reached for place in self._places_in(one))
        return _patient_first(_filled(people, self._everybody)), _filled(places, self._everywhere)

    def _people_in(self, resource: Resource) -> tuple[Person, ...]:
        return self._people.get(id(resource)) or tuple(people_in(resource))

    def _places_in(self, resource: Resource) -> tuple[str, ...]:
        return self._places.get(id(resource)) or tuple(places_in(resource))

    def _reached(self, resource: Resource, patient: Resource | None) -> list[Resource]:
        """The resource, what its references lead to, and what names its patient."""
        found = {id(resource): resource}
        level = [resource] if patient is None else [resource, patient, *self._followers.get(id(patient), ())]
        for _ in range(FAR):
            found |= {id(one): one for one in level}
            said = islice(((r, one) for one in level for r in references_in(one)), MOST_REFERENCES)
            targets = (self.message.resolve(reference, one) for reference, one in said)
            level = [one for one in targets if one is not None and id(one) not in found]
        return list(found.values())


def _filled(near: Iterable[_Item], everything: Sequence[_Item]) -> tuple[_Item, ...]:
    """All that is near, and of the rest as much as there is room for."""
    first = tuple(dict.fromkeys(near))
    return tuple(dict.fromkeys((*first, *everything[: max(0, MOST_BESIDE - len(first))])))


def _patient_first(people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(sorted(dict.fromkeys(people), key=lambda person: person.role != "patient"))


def _document(entry: Entry, known: _Known, digest: str) -> ClinicalDocument | None:
    if entry.deletes:
        return _deleted(entry.deletes, digest)
    resource = entry.resource
    kind = text_of(resource.get("resourceType"))
    if kind not in DRAFTS:
        return None
    draft = DRAFTS[kind](Place(resource, known.message, resource))
    status = status_of(resource)
    if not (draft.text or draft.notes or status == "withdrawn"):
        return None
    gone = status == "withdrawn"
    (people, places), subject = known.beside(resource), _subject(entry, known)
    unknown = bool(subject) and not any(person.role == "patient" and person.names for person in people)
    return ClinicalDocument(
        document_id=name_of(entry),
        origin=Origin("fhir", kind, name_of(entry), digest, text_of(next(iter(at(resource, "meta.source")), ""))),
        subject=subject,
        title=draft.title,
        text="" if gone else draft.text,
        kind=draft.kind,
        language=_language(resource),
        status=status,
        written=draft.written,
        dates=draft.dates,
        places=places,
        fields={} if gone else draft.fields,
        replaces=draft.replaces,
        people=people,
        notes=(*draft.notes, _NO_DEMOGRAPHICS) if unknown else draft.notes,
    )


def _deleted(name: str, digest: str) -> ClinicalDocument | None:
    kind = name.partition("/")[0]
    if kind not in DRAFTS:
        return None
    return ClinicalDocument(name, Origin("fhir", kind, name, digest), status="withdrawn")


def _subject(entry: Entry, known: _Known) -> str:
    """`Patient/7`, as the resource or the patient's own record says it."""
    resource = entry.resource
    reference, patient = patient_of(resource), known.patient(resource)
    if patient is not None and text_of(patient.get("id")) and not _is_contained(reference):
        return name_of(Entry(patient))
    numbers = at(patient or {}, "identifier.value") + at(reference, "identifier.value")
    own = next(filter(None, map(text_of, numbers)), "")
    if own:
        return own
    if _is_contained(reference):
        return f"{name_of(entry)}{text_of(at(reference, 'reference')[0])}"
    return next(reversed(list(targets_of(reference))), "")


def _is_contained(reference: object) -> bool:
    return next(iter(targets_of(reference)), "").startswith("#")


def _language(resource: Resource) -> str:
    """BCP 47, of the resource or of its attachment; what is none is not passed on."""
    said = (*at(resource, "language"), *at(resource, "content.attachment.language"))
    return next((text for one in said if _LANGUAGE.fullmatch(text := text_of(one))), "")

"""What a hospital's systems write of a visit: HL7 v2 messages and FHIR resources, full of names.

Both name the patient, a relative and the doctor in the fields that the standards have for them, and are read by
interface engines as those of any sender.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from ccit.simulation.people import InventedPerson

KIND = "Consultation"
"""What such a record is called in both; the demo has a template for it."""

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\"})


@dataclass(frozen=True, slots=True)
class Visit:
    """Who was there, and when; `number` counts what is written, `written` is a date (`2026-03-14`)."""

    number: int
    patient: InventedPerson
    relative: InventedPerson
    doctor: InventedPerson
    written: str


@dataclass(frozen=True, slots=True)
class Prescription:
    """A medicine, what it is given for and how it is taken."""

    medicine: str
    reason: str
    dosage: str


def consultation(visit: Visit, question: str, answer: str) -> bytes:
    r"""An HL7 v2 result (ORU^R01): a question put to a colleague (OBR-31), and the answer.

    >>> from random import Random
    >>> from ccit.simulation.people import people
    >>> somebody = people(3, Random(0))
    >>> message = consultation(Visit(7, *somebody, "2026-03-14"), "Which dose?", "The dose is 5 mg.")
    >>> message.split(b"\r")[-2]
    b'OBX|1|TX|ANSWER^Answer||The dose is 5 mg.||||||F'
    """
    patient, relative, doctor = visit.patient, visit.relative, visit.doctor
    day, order = visit.written.replace("-", ""), f"{visit.number:06d}"
    address = f"{patient.street}^^{patient.town}^^{patient.postal_code}^US"
    born, who = patient.born.replace("-", ""), f"{doctor.number}^{doctor.family}^{doctor.given}^^^Dr."
    asked = f"^{_escaped(question)}"
    lines = (
        f"MSH|^~\\&|WARD|QUARRY|CCIT|DOOR|{day}0812||ORU^R01|Q{order}|P|2.5",
        f"PID|1||{patient.number}^^^QUARRY^MR||{_name(patient)}||{born}|{patient.sex}|||{address}||{patient.phone}",
        f"NK1|1|{_name(relative)}|DAU|{relative.street}^^{relative.town}|{relative.phone}",
        f"PV1|1|I|NORTH^12^1||||{who}",
        f"OBR|1|{order}|{order}|CONSULT^{KIND}|||{day}{'|' * 9}{who}{'|' * 9}F{'|' * 6}{asked}",
        f"OBX|1|TX|ANSWER^Answer||{_escaped(answer)}||||||F",
    )
    return "".join(f"{line}\r" for line in lines).encode()


def note(visit: Visit, question: str, answer: str, *, withdrawn: bool = False) -> dict[str, Any]:
    """The same in a FHIR DocumentReference, the answer as its attachment."""
    attachment = {"contentType": "text/plain", "data": base64.b64encode(answer.encode()).decode()}
    return {
        "resourceType": "DocumentReference",
        "id": f"note-{visit.number:06d}",
        "status": "entered-in-error" if withdrawn else "current",
        "type": {"text": KIND},
        "description": question,
        "date": f"{visit.written}T08:12:00Z",
        "subject": _reference("Patient", visit.patient),
        "author": [_reference("Practitioner", visit.doctor)],
        "content": [{"attachment": attachment}],
    }


def prescribed(visit: Visit, prescription: Prescription, remark: str) -> dict[str, Any]:
    """A FHIR MedicationRequest, with what was remarked on it."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"order-{visit.number:06d}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": prescription.medicine},
        "reasonCode": [{"text": prescription.reason}],
        "dosageInstruction": [{"text": prescription.dosage}],
        "authoredOn": visit.written,
        "subject": _reference("Patient", visit.patient),
        "requester": _reference("Practitioner", visit.doctor),
        "note": [{"text": remark, "authorReference": _reference("Practitioner", visit.doctor)}] if remark else [],
    }


def beside(visit: Visit) -> list[dict[str, Any]]:
    """The resources of those who were there."""
    relative, patient = visit.relative, _person("Patient", visit.patient)
    patient["contact"] = [{"name": _human_name(relative), "telecom": [{"system": "phone", "value": relative.phone}]}]
    return [patient, _person("Practitioner", visit.doctor)]


def line_of(resource: dict[str, Any]) -> bytes:
    """A line of an export (NDJSON), without its end."""
    return json.dumps(resource, ensure_ascii=False).encode()


def _person(kind: str, person: InventedPerson) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": f"{kind[0].lower()}{person.number}",
        "identifier": [{"system": "urn:quarry", "value": person.number}],
        "name": [_human_name(person)],
        "telecom": [{"system": "phone", "value": person.phone}, {"system": "email", "value": person.mail}],
        "address": [{"line": [person.street], "city": person.town, "postalCode": person.postal_code}],
        "birthDate": person.born,
        "gender": "female" if person.sex == "F" else "male",
    }


def _reference(kind: str, person: InventedPerson) -> dict[str, str]:
    own = f"{kind[0].lower()}{person.number}"
    return {"reference": f"{kind}/{own}", "display": f"{person.given} {person.family}"}


def _human_name(person: InventedPerson) -> dict[str, Any]:
    return {"family": person.family, "given": [person.given]}


def _name(person: InventedPerson) -> str:
    return f"{person.family}^{person.given}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)

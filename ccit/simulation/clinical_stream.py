"""The simulated hospital at its own door: what its stream says, said as its systems say it, of people with names.

The same records as `hospital_stream` brings, in the same order with the same faults; each is told of an invented
patient, by HL7 v2 or in a FHIR export. Some answers name people in their text. Some messages come twice, lack their
number, are taken back, or hold a name where only a second look finds it: a name glued into a word.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ccit.simulation.faults import Truth
from ccit.simulation.people import InventedPerson, people
from ccit.simulation.stream import SimulatedMessage, hospital_stream
from ccit.simulation.visits import Prescription, Visit, beside, consultation, line_of, note, prescribed
from ccit.simulation.world import Attribute, conditions

PATIENTS, DOCTORS = 40, 8
HL7_SHARE = 0.6  # of the messages; the rest comes as an export
PRESCRIBED_SHARE = 0.3  # of the sound ones in exports, as structured records
NAMING_SHARE = 0.3  # of the sound answers name somebody
GLUED_SHARE, AGAIN_SHARE, UNNUMBERED_SHARE, WITHDRAWN_SHARE = 0.02, 0.02, 0.01, 0.02

_SOUND = {Truth.CLEAN, Truth.REDUNDANT, Truth.NEAR_DUPLICATE, Truth.EXACT_DUPLICATE, Truth.WRONG_ANSWER}
_NAMING = (
    "Tell {patient.given} {patient.family} to drink enough water.",
    "Dr. {doctor.family} reviews the plan every morning.",
    "The daughter, {relative.given} {relative.family}, may bring warm clothes.",
    "Call {relative.family} at {relative.phone} when the result is there.",
    "Label the sample {patient.number} for {patient.family}.",
    "The letter goes to {patient.mail} and to {patient.street}, {patient.town} {patient.postal_code}.",
    "Dr. {doctor.given} {doctor.family} has signed it on {written}.",
)


@dataclass(slots=True)
class ClinicalDay:
    """What comes on one day.

    Parameters
    ----------
    messages : list[bytes]
        HL7 v2, one a frame; some are none.
    lines : list[bytes]
        Of the day's FHIR export; some are none.
    """

    messages: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClinicalStream:
    """Days in order, everybody whom they name, and how many of each kind were planted (`glued`, `again`, ...)."""

    days: Sequence[ClinicalDay]
    people: Sequence[InventedPerson]
    planted: Counter[str]

    @property
    def sent(self) -> tuple[str, ...]:
        """What of people stands in the messages, letter by letter: a search must find all of it there."""
        return tuple(dict.fromkeys(form for _, sent in self._named() for form in sent))

    @property
    def canaries(self) -> tuple[str, ...]:
        """What must not be found behind de-identification: all that is `sent`, in its other forms too."""
        return tuple(dict.fromkeys(form for forms, _ in self._named() for form in forms))

    def _named(self) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        """Of each thing that messages hold of somebody, its forms, and those in which it was sent."""
        said = b"\n".join(line for day in self.days for line in (*day.messages, *day.lines))
        for forms in (forms for person in self.people for forms in person.canaries):
            if sent := [form for form in forms if form.encode() in said]:
                yield forms, sent


def clinical_stream(records: int, seed: int, days: int) -> ClinicalStream:
    """The days of a simulated hospital; same arguments, same bytes.

    >>> stream = clinical_stream(50, seed=0, days=2)
    >>> len(stream.days), stream.days[0].messages[0][:4]
    (2, b'MSH|')
    """
    return _Wards(seed, days).stream(hospital_stream(records, seed, days=days))


class _Wards:
    """Who is there, and what was written so far."""

    def __init__(self, seed: int, days: int) -> None:
        self.rng = random.Random(f"clinical stream {seed}")
        everybody = people(2 * PATIENTS + DOCTORS, self.rng)
        self.people = everybody
        self.patients = list(zip(everybody[:PATIENTS], everybody[PATIENTS : 2 * PATIENTS], strict=True))
        self.doctors = everybody[2 * PATIENTS :]
        self.days = [ClinicalDay() for _ in range(days)]
        self.exported: list[dict[str, dict[str, Any]]] = [{} for _ in range(days)]
        self.planted: Counter[str] = Counter()

    def stream(self, told: Iterable[SimulatedMessage]) -> ClinicalStream:
        for number, message in enumerate(told):
            self.add(number, message)
        for day, persons in zip(self.days, self.exported, strict=True):
            day.lines[:0] = map(line_of, persons.values())
        return ClinicalStream(self.days, self.people, self.planted)

    def add(self, number: int, message: SimulatedMessage) -> None:
        by_hl7 = self.rng.random() < HL7_SHARE
        day = self.days[message.day]
        if message.kind is Truth.GARBAGE:
            (day.messages if by_hl7 else day.lines).append(_in_one_piece(message.value))
            self.planted["garbage"] += 1
        elif by_hl7:
            self.say(day, self.visit(number, message.day), json.loads(message.value), message.kind)
        else:
            self.export(message.day, self.visit(number, message.day), json.loads(message.value), message.kind)

    def say(self, day: ClinicalDay, visit: Visit, row: dict[str, Any], kind: Truth | None) -> None:
        """By HL7 v2."""
        unnumbered = self.happens(UNNUMBERED_SHARE, "unnumbered")
        answer = row["output"] if unnumbered else self.answer(visit, row["output"], kind)
        value = consultation(visit, _asked(visit, row), answer)
        if unnumbered:
            day.messages.append(value.replace(f"|Q{visit.number:06d}|".encode(), b"||"))
        else:
            day.messages += [value, value] if self.happens(AGAIN_SHARE, "again") else [value]

    def export(self, day: int, visit: Visit, row: dict[str, Any], kind: Truth | None) -> None:
        """In FHIR."""
        for person in beside(visit):
            self.exported[day][person["id"]] = person
        if kind in (Truth.CLEAN, Truth.REDUNDANT) and self.rng.random() < PRESCRIBED_SHARE:
            self.planted["prescribed"] += 1
            resource = prescribed(visit, _prescription(row["meta"]["condition"]), self.remark(visit))
        else:
            withdrawn = self.happens(WITHDRAWN_SHARE, "withdrawn")
            text = row["output"] if withdrawn else self.answer(visit, row["output"], kind)
            resource = note(visit, _asked(visit, row), text, withdrawn=withdrawn)
        self.days[day].lines.append(line_of(resource))

    def visit(self, number: int, day: int) -> Visit:
        patient, relative = self.rng.choice(self.patients)
        return Visit(number, patient, relative, self.rng.choice(self.doctors), f"2026-03-{day + 2:02d}")

    def answer(self, visit: Visit, text: str, kind: Truth | None) -> str:
        """The answer, with a sentence that names somebody where it is whole."""
        if self.happens(GLUED_SHARE, "glued"):
            return f"{text} See scan{visit.patient.family.lower()}x.tif."
        return " ".join(filter(None, (text, self.remark(visit) if kind in _SOUND else "")))

    def remark(self, visit: Visit) -> str:
        if self.rng.random() >= NAMING_SHARE:
            return ""
        said = self.rng.choice(_NAMING)
        who = {"patient": visit.patient, "relative": visit.relative, "doctor": visit.doctor}
        return said.format(**who, written=visit.written)

    def happens(self, share: float, what: str) -> bool:
        happened = self.rng.random() < share
        self.planted[what] += happened
        return happened


def _asked(visit: Visit, row: dict[str, Any]) -> str:
    """The question, and of whom it is asked."""
    of_whom = row["input"].replace("Patient: ", f"Patient: {visit.patient.given} {visit.patient.family}, ")
    return " ".join(filter(None, (row["instruction"], of_whom)))


def _prescription(condition: str) -> Prescription:
    found = next(one for one in conditions() if one.name == condition)
    return Prescription(found.value(Attribute.DRUG), condition, found.value(Attribute.SCHEDULE))


def _in_one_piece(value: bytes) -> bytes:
    """Bytes that stay one frame and one line."""
    return value.translate(None, b"\x0b\x1c\r\n").strip() or b"?"

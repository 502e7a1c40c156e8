"""A message's clinical documents.

| message | documents |
|---|---|
| ORU, OUL, ORM, OML and all that hold OBR | one per OBR: its OBX and NTE, and the NTE behind them |
| MDM | one: TXA with the OBX behind it; T08 to T10 replace, T11 withdraws |
| any | one per diagnosis, allergy, procedure, problem and medicine (`facts.py`) |
| any | OBX and NTE that stand under neither: one document of observations |

A message may speak of several patients: each PID begins the part of another one. A part's people are those of the
whole part, so that a text is never without the names that stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ccit.clinical import ClinicalDocument, Note, Origin, Person, Status
from ccit.ingest.hl7.facts import FACTS, fact_in
from ccit.ingest.hl7.message import Message, Segment
from ccit.ingest.hl7.observations import Observation, code_in, label_of, observation_in
from ccit.ingest.hl7.people import people_in

_AMENDING = {"T03", "T04", "T08", "T09", "T10"}
_ORDER_STATUS: Mapping[str, Status] = {
    "F": "final",
    "C": "amended",
    "P": "preliminary",
    "R": "preliminary",
    "A": "preliminary",
    "X": "withdrawn",
}  # HL7 table 0123
_PLACE_FIELDS: Mapping[str, tuple[int, ...]] = {
    "MSH": (4, 6),
    "PV1": (3, 6, 11, 39, 42),
    "PV2": (1, 23),
    "PD1": (3,),
    "EVN": (7,),
    "ORC": (13, 21),
    "OBX": (23,),
    "OBR": (20, 21),
    "IN1": (4,),
    "GT1": (21,),
    "AIL": (3,),
    "RXA": (11,),
    "PRD": (4,),
}


@dataclass(slots=True, repr=False)
class _Draft:
    """A document that is being put together."""

    document_id: str
    title: str
    kind: str
    status: Status
    written: str
    dates: dict[str, str] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    seen: list[Status] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def add(self, observation: Observation) -> None:
        """One more OBX."""
        self.seen.append(observation.status)
        if observation.text:
            self.texts.append(observation.text)
        if observation.entry:
            self.entries.append(observation.entry)
        self.notes += observation.notes

    def outcome(self) -> Status:
        """Of the whole: withdrawn when all of it is, amended when any of it was corrected or deleted."""
        if self.status == "withdrawn" or (self.seen and set(self.seen) == {"withdrawn"}):
            return "withdrawn"
        if self.status == "amended" or {"amended", "withdrawn"} & set(self.seen):
            return "amended"
        if self.status == "unknown" and self.seen:
            return "preliminary" if "preliminary" in self.seen else self.seen[0]
        return self.status


def documents_in(message: Message, digest: str) -> Iterator[ClinicalDocument]:
    """The documents of a message, in order; a message that holds none (a bare admission) gives none.

    Parameters
    ----------
    digest : str
        SHA-256 (hex) of the message's bytes; numbers the message where MSH-10 does not.
    """
    own = message.control_id or digest
    origin = Origin("hl7v2", message.kind, own, digest, message.sender)
    notes = (*message.notes, *_ignored(message))
    used: dict[str, int] = {}
    number = 0
    for part in _parts(message):
        people, subject, places = people_in(part), _subject(part), _places(part)
        for draft in _drafts(part, message, subject, own):
            used[draft.document_id] = used.get(draft.document_id, 0) + 1
            if used[draft.document_id] > 1:
                draft.document_id += f"#{used[draft.document_id]}"
            document = _document(draft, replace(origin, part=number), people, notes)
            yield replace(document, subject=subject, places=places, dates=_dates(part) | draft.dates,
                          language=message.header.text(19).lower())  # fmt: skip
            number += 1


def subject_of(message: Message) -> str:
    """The first patient that a message speaks of, as `document.subject`."""
    return next((found for part in _parts(message) if (found := _subject(part))), "")


def _document(draft: _Draft, origin: Origin, people: tuple[Person, ...], notes: tuple[Note, ...]) -> ClinicalDocument:
    status = draft.outcome()
    gone = status == "withdrawn"
    entries = {"observations": draft.entries} if draft.entries else {}
    return ClinicalDocument(
        document_id=draft.document_id,
        origin=origin,
        title=draft.title,
        text="" if gone else "\n".join(draft.texts),
        kind=draft.kind,
        status=status,
        written=draft.written,
        fields={} if gone else {**draft.fields, **entries},
        replaces=draft.replaces,
        people=people,
        notes=(*notes, *draft.notes),
    )


def _parts(message: Message) -> list[list[Segment]]:
    """The message by patients; what stands before the first PID belongs to all."""
    head: list[Segment] = []
    parts: list[list[Segment]] = []
    for segment in message:
        if segment.name == "PID":
            parts.append([*head, segment])
        elif parts:
            parts[-1].append(segment)
        else:
            head.append(segment)
    return parts or [head]


def _subject(part: Sequence[Segment]) -> str:
    """The first number of PID-3, else of PID-2, 4 or 18, with its authority."""
    for segment in part:
        if segment.name == "PID":
            for number in (3, 2, 4, 18):
                value, authority = segment.text(number), segment.text(number, 4, 1)
                if value:
                    return f"{value}|{authority}" if authority else value
    return ""


def _drafts(part: Sequence[Segment], message: Message, subject: str, own: str) -> Iterator[_Draft]:
    """The documents of one patient's part, in order; each ends where the next begins."""
    medical = any(segment.name == "TXA" for segment in part)
    loose = _Draft(f"{own}/{subject}/observations", "", "observations", "unknown", message.header.text(7))
    current = loose
    for segment in part:
        begun = _begun(segment, message, medical, own)
        if begun is not None:
            if _holds(current):
                yield current
            current = begun
        elif segment.name == "OBX":
            current.add(observation_in(segment))
        elif segment.name == "NTE":
            current.texts += [text for one in segment.repetitions(3) if (text := segment.whole(one))]
        elif segment.name in FACTS:
            yield from _of_fact(segment, subject or own)
    if _holds(current):
        yield current


def _holds(draft: _Draft) -> bool:
    """An OBR of an order says something by itself: what was asked for."""
    return bool(draft.texts or draft.entries or draft.notes or draft.seen or draft.title)


def _begun(segment: Segment, message: Message, medical: bool, own: str) -> _Draft | None:
    if segment.name == "TXA":
        return _of_txa(segment, message, own)
    if segment.name == "OBR" and not medical:
        return _of_obr(segment, own)
    return None


def _of_obr(segment: Segment, own: str) -> _Draft:
    """An order with its results. Filler's number and code name it: a filler gives all tests of an order one number."""
    code = code_in(segment, 4)
    number = segment.text(3) or segment.text(2) or own
    dates = {"observed": segment.text(7), "resulted": segment.text(22), "requested": segment.text(6)}
    status = _ORDER_STATUS.get(segment.text(25).upper(), "unknown")
    draft = _Draft(f"{number}/{code.get('code') or label_of(code)}", label_of(code), label_of(code), status,
                   segment.text(22) or segment.text(7))  # fmt: skip
    draft.dates = {name: text for name, text in dates.items() if text}
    reason = ", ".join(t for one in segment.repetitions(31) if (t := segment.part(one, 2) or segment.part(one, 1)))
    draft.fields = {"code": code, **({"reason": reason} if reason else {})}
    if clinical := segment.text(13):
        draft.texts.append(f"Clinical information: {clinical}")
    return draft


def _of_txa(segment: Segment, message: Message, own: str) -> _Draft:
    """A document of a medical record system. A replacement names its parent (TXA-13)."""
    trigger = message.header.text(9, 2).upper()
    kind = segment.text(2, 2) or segment.text(2)
    parent = segment.text(13)
    status: Status = "unknown"
    if trigger == "T11" or segment.text(19).upper() in ("CA", "OB"):  # cancelled, obsolete (table 0273)
        status = "withdrawn"
    elif trigger in _AMENDING:
        status = "amended"
    elif segment.text(17).upper() in ("AU", "LA", "DO"):  # authenticated, legally so, documented (table 0271)
        status = "final"
    elif segment.text(17).upper() in ("DI", "IP", "IN", "PA"):
        status = "preliminary"
    number = segment.text(12) or parent or own
    dates = {"activity": segment.text(4), "transcribed": segment.text(7), "edited": segment.text(8)}
    draft = _Draft(number, segment.text(25) or kind, kind, status, segment.text(6) or segment.text(4))
    draft.dates = {name: text for name, text in dates.items() if text}
    draft.replaces = (parent,) if parent and parent != number and trigger in ("T09", "T10", "T11") else ()
    draft.fields = {"parent": parent} if parent else {}
    return draft


def _of_fact(segment: Segment, holder: str) -> Iterator[_Draft]:
    fact = fact_in(segment)
    if fact is not None:
        code = fact.fields.get("code") or {}
        named = f"{holder}/{segment.name}/{code.get('code') or fact.label}"
        status: Status = "withdrawn" if fact.taken_back else "final"
        draft = _Draft(named, fact.label, fact.kind, status, fact.at, fields=dict(fact.fields))
        draft.texts.append(fact.text)
        yield draft


def _places(part: Sequence[Segment]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for segment in part:
        for number in _PLACE_FIELDS.get(segment.name, ()):
            for one in segment.repetitions(number):
                found.update(dict.fromkeys(segment.part(one, place) for place in (1, 2, 3, 4, 9)))
    return tuple(text for text in found if text)


def _dates(part: Sequence[Segment]) -> dict[str, str]:
    named = {"PV1": {"admitted": 44, "discharged": 45}, "EVN": {"recorded": 2, "planned": 3}}
    return {
        name: text
        for segment in part
        for name, number in named.get(segment.name, {}).items()
        if (text := segment.text(number))
    }


def _ignored(message: Message) -> tuple[Note, ...]:
    """Segments of local types, which nobody else can read; their names are the sender's own words."""
    local = sum(count for name, count in message.counts().items() if name.startswith("Z"))
    return (Note("ignored_segments", f"{local} segments of local types are not read"),) if local else ()

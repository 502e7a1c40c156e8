"""Segments that state one fact each: diagnoses, allergies, procedures, problems, medicines, vaccinations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccit.ingest.hl7.message import Segment
from ccit.ingest.hl7.observations import code_in, label_of


@dataclass(frozen=True, slots=True)
class SegmentFields:
    """Where a segment says what; numbers of fields, 0 for none."""

    kind: str
    code: int
    text: int = 0
    at: int = 0
    more: Mapping[str, int] | None = None
    action: int = 0  # a field whose D (or RM, cancel) takes the fact back


FACTS: Mapping[str, SegmentFields] = {
    "DG1": SegmentFields("diagnosis", 3, 4, 5, {"type": 6, "priority": 15}, 21),
    "AL1": SegmentFields("allergy", 3, 0, 6, {"category": 2, "severity": 4, "reaction": 5}),
    "IAM": SegmentFields("allergy", 3, 0, 11, {"category": 2, "severity": 4, "reaction": 5, "status": 17}, 6),
    "PR1": SegmentFields("procedure", 3, 4, 5, {"type": 6}, 20),
    "PRB": SegmentFields("problem", 3, 0, 2, {"status": 14, "onset": 16}, 1),
    "RXO": SegmentFields("medication", 1, 6, 0, {"amount": 2, "unit": 4, "form": 5, "instructions": 7}),
    "RXE": SegmentFields("medication", 2, 7, 0, {"amount": 3, "unit": 5, "form": 6, "refills": 12}),
    "RXD": SegmentFields("dispense", 2, 9, 3, {"amount": 4, "unit": 5, "form": 6}),
    "RXA": SegmentFields("administration", 5, 0, 3, {"amount": 6, "unit": 7, "status": 20}, 21),
}
_TAKEN_BACK = {"D", "RM", "UN", "DE"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One such segment, read."""

    kind: str
    label: str = field(repr=False)
    text: str = field(repr=False)
    at: str = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    taken_back: bool


def fact_in(segment: Segment) -> Fact | None:
    """The fact in a segment; None for segments that state none, or say nothing."""
    known = FACTS.get(segment.name)
    if known is None:
        return None
    code = code_in(segment, known.code)
    said = segment.text(known.text) or segment.text(known.text, 2) if known.text else ""
    if not code and not said:
        return None
    label = label_of(code) or said
    more = {name: text for name, number in (known.more or {}).items() if (text := _words(segment, number))}
    described = [label, *([said] if said and said != label else [])]
    sentence = f"{known.kind.capitalize()}: {', '.join(described)}"
    if more:
        sentence += f" ({', '.join(f'{name}: {text}' for name, text in more.items())})"
    taken_back = bool(known.action) and segment.text(known.action).upper() in _TAKEN_BACK
    fields = {"code": code, **({"text": said} if said else {}), **more}
    return Fact(known.kind, label, sentence, segment.text(known.at) if known.at else "", fields, taken_back)


def _words(segment: Segment, number: int) -> str:
    """All repetitions of a field, each by its text where it has one, else by its code."""
    found = (segment.part(one, 2) or segment.part(one, 1) for one in segment.repetitions(number))
    return ", ".join(text for text in found if text)

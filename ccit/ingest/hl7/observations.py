"""OBX: one observation, as a line of text, as a structured value, or as a document inside the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccit.clinical import Note, Status
from ccit.errors import InputError
from ccit.ingest.content import decoded, text_in
from ccit.ingest.hl7.message import Segment

_TEXT_TYPES = {"TX", "FT", "ST", "", "DSP"}
_CODED = {"CE", "CWE", "CNE", "CF"}
_NAMES = {"XPN", "XCN", "PN", "CN", "XON", "XAD", "AD", "XTN", "TN", "CX", "CK", "EI", "HD", "PPN"}
_ENCODED = {"base64": "base64", "hex": "hex", "a": "plain"}
_FINAL: Mapping[str, Status] = {
    "C": "amended",
    "D": "withdrawn",
    "W": "withdrawn",
    "F": "final",
    "U": "final",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "I": "preliminary",
    "B": "preliminary",
    "V": "preliminary",
    "A": "preliminary",
}  # HL7 table 0085: C corrects, D deletes, W was for another patient


@dataclass(frozen=True, slots=True)
class Observation:
    """What one OBX says.

    Parameters
    ----------
    text : str
        As a person would read it: `Creatinine: 98.00 UMOLL (49 - 92) H`, or the paragraph itself.
    entry : Mapping[str, Any]
        Code, value and unit as JSON values; empty for pure text.
    """

    text: str = field(repr=False)
    status: Status
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[Note, ...] = ()


def observation_in(segment: Segment) -> Observation:
    """Read an OBX; what of it cannot be read is noted."""
    status = _FINAL.get(segment.text(11).upper(), "unknown")
    kind = segment.text(2).upper()
    if status == "withdrawn":
        return Observation("", status)
    if kind in ("ED", "RP"):
        return _attached(segment, kind, status)
    values = [text for one in segment.repetitions(5) if (text := _value(segment, one, kind))]
    if kind in _TEXT_TYPES and not (segment.text(6) or _is_short_fact(segment, kind, values)):
        return Observation("\n".join(values), status)
    return _fact(segment, kind, values, status)


def code_in(segment: Segment, number: int) -> dict[str, str]:
    """A coded field (CE, CWE): code, text and system, what is there of them."""
    parts = {"code": segment.text(number, 1), "text": segment.text(number, 2), "system": segment.text(number, 3)}
    if not parts["text"]:
        parts["text"] = segment.text(number, 5) or segment.text(number, 9)
    return {name: text for name, text in parts.items() if text}


def label_of(code: Mapping[str, str]) -> str:
    """What a person would call it."""
    return code.get("text") or code.get("code", "")


def _is_short_fact(segment: Segment, kind: str, values: list[str]) -> bool:
    """`Result: positive`: a short string under a name, with a range or a flag or as the only value of type ST."""
    return kind == "ST" and len(values) == 1 and len(values[0]) <= 60 and bool(label_of(code_in(segment, 3)))


def _value(segment: Segment, repetition: str, kind: str) -> str:
    if kind in _TEXT_TYPES:
        return segment.whole(repetition)
    at = segment.part
    if kind in _CODED:
        return at(repetition, 2) or at(repetition, 9) or at(repetition, 5) or at(repetition, 1)
    if kind == "SN":
        return " ".join(text for number in (1, 2, 3, 4) if (text := at(repetition, number)))
    if kind in _NAMES:
        return " ".join(text for number in range(1, 8) if (text := at(repetition, number)))
    if kind == "CQ":
        return f"{at(repetition, 1)} {at(repetition, 2)}".strip()
    return segment.whole(repetition)


def _fact(segment: Segment, kind: str, values: list[str], status: Status) -> Observation:
    code, unit = code_in(segment, 3), segment.text(6, 1) or segment.text(6, 2)
    flags = [segment.part(one, 1) for one in segment.repetitions(8)]
    entry = {
        "code": code,
        "type": kind,
        "value": values[0] if len(values) == 1 else values,
        "unit": unit,
        "range": segment.text(7),
        "flags": flags,
        "at": segment.text(14),
        "sub_id": segment.text(4),
        "status": segment.text(11),
    }
    value = ", ".join(values)
    said = " ".join(text for text in (value, unit) if text)
    around = f" ({entry['range']})" if entry["range"] else ""
    flagged = f" {','.join(flags)}" if any(flags) and flags != ["N"] else ""
    name = label_of(code)
    text = f"{name}: {said}{around}{flagged}" if name else f"{said}{around}{flagged}"
    if not values:
        return Observation("", status)
    return Observation(text, status, {key: kept for key, kept in entry.items() if kept})


def _attached(segment: Segment, kind: str, status: Status) -> Observation:
    """A document inside (ED), or the place of one (RP) that is not fetched."""
    if kind == "RP":
        return Observation("", status, notes=(Note("not_fetched", "a document is only pointed to (type RP)"),))
    texts: list[str] = []
    notes: list[Note] = []
    for one in segment.repetitions(5):
        try:
            text, form = _document(segment, one)
        except InputError as error:
            notes.append(Note("not_read", error.detail))
        else:
            texts.append(text)
            notes.append(Note("attachment", f"text was taken out of an attachment ({form})"))
    return Observation("\n".join(texts), status, notes=tuple(notes))


def _document(segment: Segment, repetition: str) -> tuple[str, str]:
    """Source, type, subtype, encoding and data (ED); senders leave out what they like, so the data is the longest."""
    parts = segment.components(repetition)
    number = 5 if len(parts) >= 5 and parts[4].strip() else parts.index(max(parts, key=len)) + 1
    data = segment.unescape(parts[number - 1])
    said = " ".join(segment.part(repetition, place) for place in (2, 3) if place != number)
    encoding = _ENCODED.get(segment.part(repetition, 4).lower(), "base64")
    format_ = next((word for word in said.lower().split() if word in ("html", "xhtml", "htm", "rtf", "pdf")), "")
    if encoding == "plain":
        return text_in(data.encode(), format_)
    if encoding == "hex":
        try:
            return text_in(bytes.fromhex(data), format_)
        except ValueError as error:
            raise InputError("wrong_schema", "expected hexadecimal digits in the attachment, found others") from error
    return text_in(decoded(data), format_)

"""One HL7 v2 message: bytes -> segments -> fields, repetitions, components, subcomponents.

Positions are those of the standard, from 1; MSH-1 is the field separator itself. A part that is not there is an empty
text. Reading is tolerant: any line end separates segments, blank lines are passed over, a line that no segment begins
continues the text before it. Only what cannot be a message is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ccit.clinical import Note
from ccit.errors import InputError
from ccit.ingest.hl7.charset import decode
from ccit.ingest.hl7.escapes import Unescape
from ccit.ingest.hl7.message_types import type_of
from ccit.ingest.strict import BYTE_ORDER_MARK

_LINE_END = re.compile(r"\r\n|\r|\n")
_FRAME = b"\x0b\x1c \t\r\n"  # MLLP's bytes, and blanks: around a message in files that recorded a connection
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_CONTINUED = ("OBX", "NTE", "TXA")  # what holds text; a bare `EVN` behind another segment is an empty segment


@dataclass(frozen=True, slots=True)
class Separators:
    """MSH-1 and MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    truncation: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment, cut into fields; deeper parts are cut when they are asked for.

    `fields[0]` is the name, `fields[n]` the n-th field as it came.
    """

    fields: Sequence[str] = field(repr=False)
    separators: Separators
    unescape: Unescape = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """`PID`."""
        return self.fields[0]

    def raw(self, number: int) -> str:
        """A field as it came; empty where there is none."""
        return self.fields[number] if number < len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        """The repetitions of a field that are not empty, as they came. `""` (delete what you know) is empty here."""
        found = self.raw(number)
        if not found:
            return []
        return [one for one in found.split(self.separators.repetition) if one and one != '""']

    def components(self, repetition: str) -> list[str]:
        """The components of a repetition, as they came."""
        return repetition.split(self.separators.component)

    def part(self, repetition: str, component: int, subcomponent: int = 0) -> str:
        """A component's text, unescaped; subcomponents are joined by blanks unless one is asked for (from 1)."""
        found = repetition.split(self.separators.component, component)
        if len(found) < component:
            return ""
        parts = found[component - 1].split(self.separators.subcomponent)
        if subcomponent:
            return self._clean(parts[subcomponent - 1]) if subcomponent <= len(parts) else ""
        return " ".join(text for text in map(self._clean, parts) if text)

    def text(self, number: int, component: int = 1, subcomponent: int = 0) -> str:
        """A component of a field's first repetition that is not empty."""
        found = self.repetitions(number)
        return self.part(found[0], component, subcomponent) if found else ""

    def whole(self, repetition: str) -> str:
        """All text of a repetition, unescaped, its separators as they stand: for text types, which have no parts."""
        return self._clean(repetition)

    def _clean(self, raw: str) -> str:
        return "" if raw == '""' else self.unescape(raw).strip()


@dataclass(frozen=True, slots=True)
class Message:
    """A message that begins with MSH."""

    segments: tuple[Segment, ...] = field(repr=False)
    codec: str
    notes: tuple[Note, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def kind(self) -> str:
        """MSH-9 as `ORU^R01`; `other` where the standard knows no such type, so that it can be counted and shown."""
        return type_of(self.header.text(9, 1), self.header.text(9, 2))

    @property
    def control_id(self) -> str:
        """MSH-10; empty where it is missing."""
        return self.header.text(10)

    @property
    def sender(self) -> str:
        """MSH-3 and MSH-4, with a bar between them."""
        return f"{self.header.text(3)}|{self.header.text(4)}"

    def counts(self) -> Mapping[str, int]:
        """Segments by name, in the order in which they first stand there."""
        return Counter(segment.name for segment in self.segments)

    def __iter__(self) -> Iterator[Segment]:
        """All segments in order."""
        return iter(self.segments)


def parse(value: bytes, default_charset: str = "utf-8") -> Message:
    """Read one message.

    Parameters
    ----------
    default_charset : str
        Python's name of the character set of messages without MSH-18.

    Raises
    ------
    InputError
        `empty`, or `wrong_schema`: no MSH, fewer than four encoding characters, one of them twice, a second MSH.

    >>> message = parse(b"MSH|^~\\\\&|LAB|NORTH|||2026||ORU^R01|7|P|2.5\\nPID|1||12^^^H~9^^^SSA\\n")
    >>> message.kind, message.control_id, message.segments[1].repetitions(3)
    ('ORU^R01', '7', ['12^^^H', '9^^^SSA'])
    """
    bare = value.removeprefix(BYTE_ORDER_MARK).strip(_FRAME)
    if not bare:
        raise InputError("empty", "expected an HL7 v2 message, found nothing")
    separators = separators_of(bare)
    text, codec, notes = decode(bare, _declared(bare, separators), default_charset)
    lines, continued = _segments(text, separators.field)
    unescape = Unescape("".join((separators.field, *_encoding(separators))), codec)
    segments = tuple(Segment(_fields(line, separators.field), separators, unescape) for line in lines)
    if sum(segment.name == "MSH" for segment in segments) > 1:
        raise InputError("wrong_schema", "expected one HL7 message, found a second MSH; send each by itself")
    if continued:
        notes += (Note("line_breaks", f"{continued} lines begin no segment; they continue the one before"),)
    return Message(segments, codec, notes)


def separators_of(value: bytes) -> Separators:
    """What MSH-1 and MSH-2 say. Raises `InputError`."""
    if not value.startswith(b"MSH"):
        raise InputError("wrong_schema", "expected an HL7 v2 message that begins with MSH, found something else")
    head = value[3:16].decode("latin-1")
    mark = head[:1]
    if not mark or mark.isalnum() or mark.isspace() or not mark.isascii():
        raise InputError("wrong_schema", "MSH-1: expected a field separator such as |, found none")
    encoding, closed, _ = re.split(r"[\r\n]", head, maxsplit=1)[0][1:].partition(mark)
    if not closed or not 4 <= len(encoding) <= 5:
        raise InputError(
            "wrong_schema", f"MSH-2: expected four or five encoding characters such as ^~\\&, found {len(encoding)}"
        )
    odd = any(one.isalnum() or one.isspace() or not one.isascii() or not one.isprintable() for one in encoding)
    if odd or len({mark, *encoding}) <= len(encoding):
        raise InputError("wrong_schema", "MSH-2: expected different punctuation marks, found others")
    return Separators(mark, *encoding)


def header_of(value: bytes) -> Segment:
    """MSH alone, read as Latin-1: enough to answer a message that cannot be read. Raises `InputError`."""
    bare = value.removeprefix(BYTE_ORDER_MARK).lstrip(_FRAME)
    separators = separators_of(bare)
    line = re.split(rb"[\r\n]", bare, maxsplit=1)[0].decode("latin-1")
    unescape = Unescape("".join((separators.field, *_encoding(separators))), "latin-1")
    return Segment(_fields(line, separators.field), separators, unescape)


def _encoding(separators: Separators) -> tuple[str, ...]:
    one = separators
    return one.component, one.repetition, one.escape, one.subcomponent, one.truncation


def _declared(value: bytes, separators: Separators) -> str:
    header = re.split(rb"[\r\n]", value, maxsplit=1)[0].split(separators.field.encode(), 18)
    said = header[17].decode("latin-1") if len(header) > 17 else ""
    return next((one for one in said.split(separators.repetition) if one.strip()), "")


def _segments(text: str, mark: str) -> tuple[list[str], int]:
    """The segments' texts, and how many lines continued one."""
    lines: list[list[str]] = []
    continued = 0
    for line in _LINE_END.split(text):
        bare = line.strip("\x0b\x1c")
        if not bare.strip():
            continue
        begins = bare[3:4] == mark and _NAME.match(bare) is not None
        holds_text = bool(lines) and lines[-1][0].startswith(_CONTINUED)
        if begins or (_NAME.fullmatch(bare.strip()) and not holds_text):
            lines.append([bare])
        elif lines:
            lines[-1].append(bare)
            continued += 1
    return ["\n".join(parts) for parts in lines], continued


def _fields(line: str, mark: str) -> list[str]:
    """Field n at place n, in MSH too."""
    fields = line.split(mark)
    return [fields[0], mark, *fields[1:]] if fields[0] == "MSH" else fields

"""What finds identifiers in a text, and what takes their place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

from ccit.clinical import Person

Kind = Literal[
    "name",
    "place",
    "zip",
    "date",
    "age",
    "phone",
    "mail",
    "ssn",
    "record",
    "plan",
    "account",
    "licence",
    "vehicle",
    "device",
    "url",
    "ip",
    "other",
]
"""What an identifier is, along the 18 classes of 45 CFR 164.514(b)(2)(i). `phone` is telephone and fax (D, E), `place`
and `zip` are geographic (B), `age` is one over 89 and `date` everything but a year (C), `record` a number of a
patient's record (H), `plan` one of a health plan (I). Voices, fingerprints and pictures (P, Q) are in no text."""

MASK = re.compile(
    r"\[(?:(?:NAME|PLACE|DATE|AGE|PHONE|MAIL|SSN|RECORD|PLAN|ACCOUNT|LICENCE|VEHICLE|DEVICE|URL|IP|OTHER)"
    r"(?:-(?P<mark>[0-9a-f]{8}))?|NAME-(?P<person>[0-9a-f]{1,3})|ZIP(?: \d{3})?|(?P<year>(?:1[89]|20)\d\d)|90\+)\]"
)
"""What stands in place of an identifier: people counted, or eight digits of a pseudonym. No recogniser looks into one:
masking a masked text changes nothing. A sender may write one himself, so one that holds something of the record is none
(`Page.masks`)."""
OLD_AGE = 90
"""45 CFR 164.514(b)(2)(i)(C): years from which an age is an identifier."""

_EXPANDED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"[\W_]+")


def folded(word: str) -> str:
    """A word without case and accents.

    >>> folded("MÜLLER"), folded("Ærø"), folded("Nguyễn")
    ('muller', 'aero', 'nguyen')
    """
    if word.isascii():
        return word.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    return "".join(_EXPANDED.get(c, c) for c in plain)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start <= i < end` of a text that identify somebody, and the recogniser that says so."""

    start: int
    end: int
    kind: Kind
    rule: str


class Word(NamedTuple):
    """A run of letters and digits, and the same without case and accents; a tuple, for there are thousands a second."""

    start: int
    end: int
    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a record itself says of people: the deny-list of its texts.

    Parameters
    ----------
    numbers : tuple[str, ...]
        Numbers that belong to no person but to the record: of the document, the message, the order, the visit.
    year : int | None
        In which the text was written, where that is known: what lies 90 years before it tells an age over 89.
    """

    people: tuple[Person, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    numbers: tuple[str, ...] = field(default=(), repr=False)
    year: int | None = None

    def tells_old_age(self, year: int) -> bool:
        """Whether a year lies 90 or more before the text was written (45 CFR 164.514(b)(2)(i)(C)).

        >>> Known(year=2019).tells_old_age(1929), Known(year=2019).tells_old_age(1930), Known().tells_old_age(1801)
        (True, False, False)
        """
        return self.year is not None and year <= self.year - OLD_AGE


class Page:
    """One text to look at, with what all recognisers need of it: made once, and only when one asks.

    >>> [word.folded for word in Page("O'Brien, Zoë").words]
    ['o', 'brien', 'zoe']
    """

    def __init__(self, text: str, known: Known | None = None) -> None:
        self.text = text
        self.known = known or Known()

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """Its words, in order."""
        return tuple(Word(m.start(), m.end(), m[0], folded(m[0])) for m in _WORD.finditer(self.text))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its words without case and accents, and the letters of those that hold digits too (`mrn` of MRN4711)."""
        found = {word.folded for word in self.words}
        found |= {letters for word in found if not word.isalpha() for letters in _LETTERS.findall(word)}
        return frozenset(found)

    @cached_property
    def compact(self) -> tuple[str, tuple[int, ...]]:
        """Letters and digits alone without case and accents, and where in the text each of them stands."""
        letters: list[str] = []
        places: list[int] = []
        for word in self.words:
            if len(word.folded) == len(word.text):
                letters.append(word.folded)
                places.extend(range(word.start, word.end))
            else:
                for at, character in enumerate(word.text, start=word.start):
                    plain = folded(character)
                    letters.append(plain)
                    places.extend([at] * len(plain))
        return "".join(letters), tuple(places)

    @cached_property
    def masks(self) -> tuple[tuple[int, int], ...]:
        """Where masks stand already."""
        return tuple((m.start(), m.end()) for m in MASK.finditer(self.text) if not self._tells(m))

    def _tells(self, mask: re.Match[str]) -> bool:
        """Whether what looks like a mask holds a name or number of the record, or a year that tells an age over 89."""
        if mask["year"]:
            return self.known.tells_old_age(int(mask["year"]))
        if mask["person"]:
            return mask["person"].isalpha() and mask["person"] in self._name_parts
        return bool(mask["mark"]) and any(mask["mark"] in value for value in self._said)

    @cached_property
    def _name_parts(self) -> frozenset[str]:
        names = (name for person in self.known.people for name in person.names)
        texts = (text for name in names for text in (name.family, *name.given, name.text))
        return frozenset(folded(part) for text in texts for part in _WORD.findall(text))

    @cached_property
    def _said(self) -> tuple[str, ...]:
        """Names and numbers of the record, as letters and digits alone."""
        people = self.known.people
        values = [*self.known.numbers, *self._name_parts]
        values += [value for person in people for value in (*(i.value for i in person.identifiers), *person.contacts)]
        return tuple(_PLAIN.sub("", value.lower()) for value in values)


@dataclass(frozen=True, slots=True)
class RecogniserContext:
    """What every recogniser may know.

    Parameters
    ----------
    regions : tuple[str, ...]
        ISO 3166 codes of the countries whose forms of numbers are expected, the first one being home.
    """

    regions: tuple[str, ...] = ("US", "GB", "DE", "FR", "CN")


class Recogniser(Protocol):
    """Finds identifiers of one sort in a text.

    It is pure and takes time in proportion to the text. What several of them find may overlap: the union is masked.
    """

    def find(self, page: Page) -> Iterable[Span]:
        """The spans, in any order. What lies inside a mask is dropped by whoever asks."""


class Mode(Protocol):
    """Says what takes the place of identifiers."""

    def page(self, known: Known, subject: str) -> Replacing:
        """For one document: the same person, number or day is replaced in the same way throughout."""


class Replacing(Protocol):
    """Replaces the identifiers of one document."""

    def replacement(self, kind: Kind, text: str) -> str:
        """What is written in place of `text`."""

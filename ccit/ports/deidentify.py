"""What finds identifiers in a text, and what takes their place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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

OLD_AGE = 90
"""45 CFR 164.514(b)(2)(i)(C): years from which an age is an identifier."""

Range = tuple[int, int]
"""Characters `start <= i < end` of a text."""

_span = re.Match.span
_EXPANDED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_NOT_ASCII = re.compile(r"[^\W\x00-\x7f]")  # letters and digits; a dash or a quotation mark is neither


def folded(word: str) -> str:
    """A word without case and accents.

    >>> folded("MÜLLER"), folded("Ærø"), folded("Nguyễn")
    ('muller', 'aero', 'nguyen')
    """
    if word.isascii():
        return word.lower()
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    return "".join(_EXPANDED.get(c, c) for c in plain)


def folded_words(text: str) -> list[str]:
    """The runs of letters and digits of a text, without case and accents.

    >>> folded_words("O'Brien-MÜLLER, 7b")
    ['o', 'brien', 'muller', '7b']
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    return [folded(word) for word in _WORD.findall(text)]


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
        text = self.text
        if text.isascii():
            lower = text.lower()
            return tuple([Word(at, end, text[at:end], lower[at:end]) for at, end in map(_span, _WORD.finditer(text))])
        return tuple(Word(m.start(), m.end(), m[0], folded(m[0])) for m in _WORD.finditer(text))

    @cached_property
    def plain(self) -> bool:
        """Whether all its letters and digits are ASCII: none is another one's capital, none stands for two."""
        return self.text.isascii() or _NOT_ASCII.search(self.text) is None

    @cached_property
    def starts(self) -> Mapping[str, Sequence[int]]:
        """Its words without case and accents -> where each begins.

        The letters of a word that holds digits too are there as well: `mrn` of MRN4711, `x` of 7x9.
        """
        found: dict[str, list[int]] = {}
        for word in self.words:
            found.setdefault(word.folded, []).append(word.start)
        for word in self.mixed:
            for letters in _LETTERS.finditer(word.text):
                found.setdefault(folded(letters[0]), []).append(word.start + letters.start())
        return found

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """What `starts` knows."""
        return frozenset(self.starts)

    @cached_property
    def mixed(self) -> tuple[Word, ...]:
        """Its words that hold more than letters and more than digits."""
        return tuple([word for word in self.words if not (word.text.isalpha() or word.text.isdecimal())])

    @cached_property
    def digit_runs(self) -> tuple[int, ...]:
        """Where runs of digits begin."""
        return tuple(m.start() for m in _DIGITS.finditer(self.text))

    @cached_property
    def compact(self) -> str:
        """Letters and digits alone without case and accents."""
        return "".join([word.folded if _as_long(word) else "".join(map(folded, word.text)) for word in self.words])

    @cached_property
    def compact_places(self) -> tuple[int, ...]:
        """Where in the text each character of `compact` stands."""
        places: list[int] = []
        for word in self.words:
            if _as_long(word):
                places.extend(range(word.start, word.end))
            else:
                for at, character in enumerate(word.text, start=word.start):
                    places.extend([at] * len(folded(character)))
        return tuple(places)


def _as_long(word: Word) -> bool:
    """Whether each character of a word stands for one of its folded form."""
    return len(word.folded) == len(word.text)


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

    def wrote(self, kind: Kind, mark: str) -> bool:
        """Whether this mode made the mark of a mask that a text brings along: if not, it is an identifier."""

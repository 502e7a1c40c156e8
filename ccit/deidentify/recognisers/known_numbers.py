"""The numbers, contacts and dates of birth that the record itself holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from ccit.clinical import Person
from ccit.deidentify.matching import digits_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Kind, Known, Page, RecogniserContext, Span, folded_words

SHORTEST = 4
"""Characters of a number that is looked for; shorter ones are everywhere, and found by their labels alone."""

_ENOUGH_DIGITS = 6  # as in `ccit/deidentify/residual.py`
_GAP = re.compile(r"[\s.\-/()_:+@]{0,3}")
# HL7 table 0203
_KINDS: dict[str, Kind] = {
    "SS": "ssn",
    "NH": "record",
    "MR": "record",
    "PI": "record",
    "AN": "account",
    "VN": "account",
    "BA": "account",
    "HC": "plan",
    "MA": "plan",
    "MC": "plan",
    "SN": "plan",
    "DL": "licence",
    "PPN": "licence",
    "NPI": "licence",
}


@plugin("recogniser")
class KnownNumbers:
    """Finds the identifiers, telephone numbers, mail addresses and dates of birth of everybody in the record.

    They are compared as letters and digits without what stands between them, so that blanks, dots, hyphens, slashes
    and a line break inside a number do not hide it; its digits alone are looked for too, where there are six or more.
    A telephone number is also found without its country code or area code. Numbers of fewer than four characters are
    left to `labelled_numbers`.

    Example
    -------
    >>> from ccit.clinical import Identifier
    >>> from ccit.ports.deidentify import Known
    >>> known = Known(people=(Person("patient", identifiers=(Identifier("00-4711-X", kind="MR"),)),))
    >>> page = Page("MRN004711x, again 00 4711\\nX; not 1004711", known)
    >>> [page.text[s.start : s.end] for s in KnownNumbers(KnownNumbers.Settings(), RecogniserContext()).find(page)]
    ['00 4711', '004711x', '00 4711\\nX']
    """

    class Settings(PluginSettings):
        """Nothing to set: the record says what to look for."""

        kind: Literal["known_numbers"] = "known_numbers"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Every place of every number."""
        for value, kind in _values(page.known):
            at = page.compact.find(value)
            while at >= 0:
                places = page.compact_places
                if _stands_alone(page.text, page.compact, places, at, len(value)):
                    yield Span(places[at], places[at + len(value) - 1] + 1, kind, "known_numbers")
                at = page.compact.find(value, at + 1)


@lru_cache(maxsize=512)
def _values(known: Known) -> tuple[tuple[str, Kind], ...]:
    found: dict[str, Kind] = {}
    for person in known.people:
        found |= {form: kind for form, kind in _of_person(person) if form not in found}
    found |= {form: "other" for number in known.numbers for form in _forms(number) if form not in found}
    return tuple(sorted((form, kind) for form, kind in found.items() if len(form) >= SHORTEST))


def _of_person(person: Person) -> Iterator[tuple[str, Kind]]:
    for identifier in person.identifiers:
        for form in _forms(identifier.value):
            yield form, _KINDS.get(identifier.kind.upper(), "record")
    for contact in person.contacts:
        yield from _of_contact(contact)
    for day in (person.born, person.died):
        if len(digits_of(day[:10])) == 8:  # with a year, a month and a day
            yield digits_of(day[:10]), "date"


def _forms(value: str) -> set[str]:
    """The whole, and its digits alone where they are enough to tell it by."""
    digits = digits_of(value)
    return {_compact(value), *([digits] if len(digits) >= _ENOUGH_DIGITS else [])}


def _of_contact(contact: str) -> Iterator[tuple[str, Kind]]:
    digits = digits_of(contact)
    if "@" in contact or len(digits) < 7:
        yield _compact(contact), "mail" if "@" in contact else "url"
        return
    yield digits, "phone"
    yield from ((digits[-count:], "phone") for count in (7, 8, 9, 10) if count < len(digits))


def _compact(value: str) -> str:
    return "".join(folded_words(value))


def _stands_alone(text: str, compact: str, places: tuple[int, ...], at: int, length: int) -> bool:
    """Whether it neither begins nor ends inside a longer number or word, and holds no more than separators."""
    end = at + length
    before, first, last, after = at - 1, places[at], places[end - 1], end
    if before >= 0 and places[before] == first - 1 and _alike(compact[before], compact[at]):
        return False
    if after < len(compact) and places[after] == last + 1 and compact[after].isascii():
        return False
    gaps = ((places[i], places[i + 1]) for i in range(at, end - 1) if places[i + 1] > places[i] + 1)
    return all(_GAP.fullmatch(text, left + 1, right) for left, right in gaps)


def _alike(left: str, right: str) -> bool:
    """A label may be glued to a number, `MRN4711`; a longer number or word is another one."""
    return left.isascii() and left.isdigit() == right.isdigit()

"""The addresses and places that the record itself holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from ccit.clinical import Address
from ccit.deidentify.vocabulary import dictionary, terms
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Kind, Known, Page, RecogniserContext, Span, folded, folded_words

_GAP = re.compile(r"[\s.,;'’\-/#()]{1,4}")
_ZIP = re.compile(r"\d{5}(?:-?\d{4})?")
_US = frozenset({"us", "usa", "united states", "united states of america", "840"})  # ISO 3166 and as people write it

Phrase = tuple[str, ...]


@plugin("recogniser")
class KnownPlaces:
    """Finds the streets, towns, districts, postcodes, facilities and employers that the record holds.

    A phrase is compared word by word without case, accents and what stands between. A street is found without its
    house number, an address in parts, a postcode of nine digits by its first five too. What is no US postcode is
    masked whole, alone and beside its town: it may tell more than the three digits that a zip may keep (an address
    without a country is one of the first region). States and countries are kept: 45 CFR 164.514(b)(2)(i)(B) allows a
    state. A town that is a word of the language (Bath, Reading) is found where it is written with a capital. Wards and
    services by their codes (ICU, ED) are no places.

    Example
    -------
    >>> from ccit.clinical import Person
    >>> known = Known(people=(Person("patient", addresses=(Address(("7 Elm Row, Flat 2",), "Bath"),)),))
    >>> page = Page("Of ELM ROW, Bath. A bath helps.", known)
    >>> [page.text[s.start : s.end] for s in KnownPlaces(KnownPlaces.Settings(), RecogniserContext()).find(page)]
    ['ELM ROW', 'Bath']
    """

    class Settings(PluginSettings):
        """Nothing to set: the record says where to look."""

        kind: Literal["known_places"] = "known_places"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        self._home = context.regions[0].lower() if context.regions else ""

    def find(self, page: Page) -> Iterable[Span]:
        """Every place of every phrase, the longest that begins at a word."""
        phrases = _phrases(page.known, self._home)
        at = 0
        while phrases and at < len(page.words):
            found = next(((p, kind) for p, kind in phrases.get(page.words[at].folded, ()) if _here(page, at, p)), None)
            if found is not None:
                phrase, kind = found
                last = page.words[at + len(phrase) - 1]
                yield Span(page.words[at].start, last.end, kind, "known_places")
                at += len(phrase) - 1
            at += 1


def _here(page: Page, at: int, phrase: Phrase) -> bool:
    words = page.words[at : at + len(phrase)]
    if tuple(word.folded for word in words) != phrase:
        return False
    if (
        len(phrase) == 1
        and words[0].text.islower()
        and (phrase[0] in dictionary() or phrase[0] in terms("common_words"))
    ):
        return False
    pairs = itertools.pairwise(words)
    return all(_GAP.fullmatch(page.text, left.end, right.start) for left, right in pairs)


@lru_cache(maxsize=512)
def _phrases(known: Known, home: str) -> dict[str, tuple[tuple[Phrase, Kind], ...]]:
    """By their first word, the longest first."""
    found: dict[Phrase, Kind] = {}
    for person in known.people:
        for address in person.addresses:
            found |= dict(_of_address(address, home))
        found |= {_words(other): "other" for other in person.others if len(_words(other)) > 1}
    found |= {_words(place): "place" for place in known.places if _is_place(_words(place))}
    by_first: dict[str, list[tuple[Phrase, Kind]]] = {}
    for phrase in sorted(found, key=lambda p: (-len(p), p)):
        if phrase and not (len(phrase) == 1 and len(phrase[0]) < 3):
            by_first.setdefault(phrase[0], []).append((phrase, found[phrase]))
    return {first: tuple(phrases) for first, phrases in by_first.items()}


def _of_address(address: Address, home: str) -> Iterator[tuple[Phrase, Kind]]:
    for line in address.lines:
        for piece in (line, *line.split(",")):
            words = _words(piece)
            named = [word for word in words if not word.isdigit()]
            if sum(len(word) for word in named) > 3:
                yield words, "place"
            if words and words[0].isdigit() and len(named) > 1:
                yield words[1:], "place"
            if named and words[-1].isdigit() and len(named) == len(words) - 1 and (len(named) > 1 or len(named[0]) > 5):
                yield words[:-1], "place"
    for part in (address.city, address.district):
        yield _words(part), "place"
    yield from _of_postcode(address, home)


def _of_postcode(address: Address, home: str) -> Iterator[tuple[Phrase, Kind]]:
    code, town = address.postal_code.strip(), _words(address.city)
    if (folded(address.country.strip()) or home) in _US and _ZIP.fullmatch(code):
        yield from ((_words(form), "zip") for form in (code, code[:5], f"{code[:5]}-{code[-4:]}"))
    elif words := _words(code):
        yield words, "place"
        if town:
            yield from ((phrase, "place") for phrase in ((*words, *town), (*town, *words)))


def _is_place(words: Phrase) -> bool:
    coded = all(word in terms("service_words") or word.isdigit() or len(word) < 4 for word in words)
    return not coded and (len(words) > 1 or (len(words[0]) > 5 and words[0] not in dictionary()))


def _words(text: str) -> Phrase:
    return tuple(folded_words(text))

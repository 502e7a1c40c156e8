"""A second look at a masked text, by other means than the first: is anything left of what the record holds?

The recognisers look for words where names stand and spare words of the language. Here only letters count: a part of a
name of six letters or more inside any word, a number of six digits or more inside any run of digits, those counted too
that a mask shows: a record's number may be written as `[2019]0471`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ccit.deidentify.matching import digits_of
from ccit.deidentify.name_parts import forms_of
from ccit.deidentify.vocabulary import dictionary, terms
from ccit.ports.deidentify import Known, Span, folded_words

_LEAST = 6
_BETWEEN = re.compile(r"(?<=\d)[\s.\-/()]{1,3}(?=\d)")
_SHOWN = re.compile(r"\[(?:NAME-|ZIP )?([0-9]{1,4})\]")  # a year, a person counted, three digits of a postcode


def residue(text: str, masks: Sequence[tuple[int, int]], known: Known) -> list[Span]:
    """What of the record's own names and numbers stands outside of the masks.

    >>> from ccit.clinical import Name, Person
    >>> known = Known(people=(Person("patient", names=(Name("Esterkin"),)),))
    >>> [span.rule for span in residue("seen at xesterkinx", (), known)]
    ['residue']
    """
    names, numbers = _wanted(known)
    if not names and not numbers:
        return []
    open_text = _blanked(text, masks)
    found: list[Span] = []
    if names:
        line = " ".join(folded_words(open_text))
        found += [Span(0, 0, "name", "residue") for name in names if name in line]
    runs = _BETWEEN.sub("", _blanked(text, masks, shown=True)) if numbers else ""
    found += [Span(0, 0, "other", "residue") for number in numbers if number in runs]
    return found


@lru_cache(maxsize=512)
def _wanted(known: Known) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = (terms("common_words"), terms("eponyms"), terms("drugs"), dictionary())
    parts = forms_of(known.people).parts if known.people else ()
    names = tuple(sorted(p for p in parts if len(p) >= _LEAST and not any(p in listed for listed in words)))
    values = [i.value for person in known.people for i in person.identifiers]
    values += [contact for person in known.people for contact in person.contacts] + list(known.numbers)
    numbers = {digits_of(value) for value in values if value and sum(c.isalpha() for c in value) < 3}
    return names, tuple(sorted(number for number in numbers if len(number) >= _LEAST))


def _blanked(text: str, masks: Sequence[tuple[int, int]], *, shown: bool = False) -> str:
    """The text with nothing in place of its masks, or with the digits that they show."""
    pieces, at = [], 0
    for start, end in masks:
        digits = _SHOWN.fullmatch(text, start, end) if shown else None
        pieces += [text[at:start], digits[1] if digits else "\n|\n"]
        at = end
    return "".join([*pieces, text[at:]])

"""Dates: everything but a year alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from ccit.deidentify.beginnings import Beginnings, among, anywhere, at_digits, at_words
from ccit.deidentify.calendar_words import DAYS, MONTHS
from ccit.deidentify.matching import spans_of
from ccit.deidentify.written_dates import (
    CHINESE,
    DAY_FIRST,
    FULL,
    ISO,
    LONE_MONTH,
    MONTH_FIRST,
    MONTH_YEAR,
    NO_YEAR,
    NUMBER_YEAR,
    NUMBERS,
    PARTIAL,
    RUN,
    WEEKDAY,
    YEAR_NUMBER,
)
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span, folded

_YEAR = re.compile(r"(?<![\w.\-/])(?:1[89]|20)\d\d(?![\w\-/]|\.\d)")
_DIGIT = re.compile(r"\d")
_MONTHS = frozenset(folded(word) for word in MONTHS)
_MONTH_WORDS = " ".join(MONTHS)
_ORDINAL_MONTHS = " ".join(ordinal + month for ordinal in ("", "st", "nd", "rd", "th", "er") for month in MONTHS)


def _at_months(page: Page) -> Iterable[int]:
    return (word.start for word in page.words if word.folded in _MONTHS)


_BEGINS: Mapping[re.Pattern[str], Beginnings] = {
    **dict.fromkeys((ISO, RUN, NUMBERS, NUMBER_YEAR, YEAR_NUMBER, _YEAR), at_digits),
    DAY_FIRST: among(_ORDINAL_MONTHS, at_digits),
    **dict.fromkeys((MONTH_FIRST, MONTH_YEAR), _at_months),
    CHINESE: anywhere,
    LONE_MONTH: among(
        _MONTH_WORDS, at_words("in since until till by last next this early late mid of im seit en depuis")
    ),
    NO_YEAR: at_words("on since from until till by date dated due am seit vom le du de"),
    WEEKDAY: at_words(" ".join(DAYS)),
}


@plugin("recogniser")
class Dates:
    """Finds dates in the forms of `ccit/deidentify/written_dates.py`, weekdays, and years that tell an age over 89.

    A year alone is kept (45 CFR 164.514(b)(2)(i)(C)), unless it lies 90 years or more before the text was written. A
    day and month without a year (4/5) is a date only after a word like *on* or *since*: else it may be a grade or a
    dose.

    Example
    -------
    >>> page = Page("Seen 3/14/2019 and on 4/2, strength 5/5, since 2012.")
    >>> [page.text[s.start : s.end] for s in Dates(Dates.Settings(), RecogniserContext()).find(page)]
    ['3/14/2019', '4/2']
    """

    class Settings(PluginSettings):
        """What counts as a date."""

        kind: Literal["dates"] = "dates"
        weekdays: bool = Field(True, description="whether a day of the week, written with a capital, is one")

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        self._partial = [pattern for pattern in PARTIAL if settings.weekdays or pattern is not WEEKDAY]

    def find(self, page: Page) -> Iterable[Span]:
        """Dates, and years that tell an age."""
        if _DIGIT.search(page.text):
            for pattern in FULL:
                if pattern is not CHINESE or "月" in page.text:
                    yield from spans_of(pattern, page, "date", "dates", begins=_BEGINS[pattern])
        for pattern in self._partial:
            yield from spans_of(pattern, page, "date", "dates", begins=_BEGINS[pattern])
        if page.known.year is not None:
            old = page.known.tells_old_age
            yield from spans_of(_YEAR, page, "date", "dates", lambda year: old(int(year)), _BEGINS[_YEAR])

"""Dates as texts write them: where they are, and which day they mean.

Numbers: 2018-05-16T14:45:24+01:00, 2018/5/16, 2018-05, 20180516144524, 5/16/2018, 16.05.18, 16-5-2018. Words:
March 14th, 2019; 14 March 2019; the 14th of March; 14-MAR-2019; March 2019; 14. März 2019; 1er mars 2019. Chinese:
2018年5月16日.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ccit.deidentify.calendar_words import DAYS, MONTHS, month_in

_MONTH = "|".join(sorted(MONTHS, key=lambda word: (-len(word), word)))
_TIME = (
    r"(?:(?:T|,?\s{1,2}(?:at\s)?)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?"
    r"(?:\s?(?:[AaPp]\.?[Mm]\b\.?|Z\b|[+\-]\d{2}:?\d{2}))?)?"
)
_ORDINAL = r"(?:st|nd|rd|th|er|\.)?"
_AFTER = r"(?<![\d./])"  # a dash may stand before: dob-02/14/1962, and 3/10/2019-3/14/2019 are two dates

ISO = re.compile(
    rf"(?<![\d.])(?P<y>(?:19|20)\d\d)(?P<s>[-/.])(?P<m>0?[1-9]|1[0-2])(?P=s)(?P<d>0?[1-9]|[12]\d|3[01])(?!\d){_TIME}"
)
RUN = re.compile(
    r"(?<![\d.])(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:[012]\d[0-5]\d(?:[0-5]\d)?(?:\.\d{1,6})?(?:[+\-]\d{4})?)?(?!\d)"
)
NUMBERS = re.compile(
    rf"{_AFTER}(?!(?<=\d-)\d{{1,2}}-)(?P<a>0?[1-9]|[12]\d|3[01])(?P<s>[-/.]|\s?/\s?)(?P<b>0?[1-9]|[12]\d|3[01])(?P=s)"
    rf"(?P<y>(?:1[89]|20)\d\d|\d\d)(?!\d|[./]\d|(?P=s)\d){_TIME}"
)
DAY_FIRST = re.compile(
    rf"(?<![\w.])(?P<d>0?[1-9]|[12]\d|3[01])\s?{_ORDINAL}(?P<s>\s(?:of\s)?|-|)(?P<w>{_MONTH})\b\.?(?:[\s,\-]{{1,2}}(?P<y>(?:1[89]|20)\d\d)(?!\d))?{_TIME}",
    re.IGNORECASE,
)
MONTH_FIRST = re.compile(
    rf"\b(?P<w>{_MONTH})\b\.?[\s\-](?P<d>0?[1-9]|[12]\d|3[01])(?!\d|[.:]\d){_ORDINAL}(?:,?[\s\-]{{1,2}}(?P<y>(?:1[89]|20)\d\d)(?!\d))?{_TIME}",
    re.IGNORECASE,
)
MONTH_YEAR = re.compile(
    rf"\b(?P<w>{_MONTH})\b\.?(?:,?\s|\s?[\-/]\s?|\sof\s)(?P<y>(?:1[89]|20)\d\d)(?!\d)", re.IGNORECASE
)
NUMBER_YEAR = re.compile(rf"{_AFTER}(?:0?[1-9]|1[0-2])/(?P<y>(?:19|20)\d\d)(?![\d/])")
YEAR_NUMBER = re.compile(rf"{_AFTER}(?<!\d-)(?P<y>(?:19|20)\d\d)[-/](?:0[1-9]|1[0-2])(?![\d/\-])")
CHINESE = re.compile(
    r"(?:(?P<y>(?:19|20)?\d\d)\s?年\s?)?(?P<m>0?[1-9]|1[0-2])\s?月(?:\s?(?P<d>0?[1-9]|[12]\d|3[01])\s?[日号])?"
)
LONE_MONTH = re.compile(
    r"\b(?i:in|since|until|till|by|last|next|this|early|late|mid|of|im|seit|en|depuis)[\s\-]"
    rf"(?P<it>{'|'.join(word.capitalize() for word in MONTHS if len(word) > 3 or word in ('may', 'mai'))})\b"
)
NO_YEAR = re.compile(
    r"\b(?i:on|since|from|until|till|by|dated?|due|am|seit|vom|le|d[ue])[\s:]\s?"
    r"(?P<it>(?:0?[1-9]|[12]\d|3[01])[/.](?:0?[1-9]|[12]\d|3[01])\.?)(?![\d/]|\s?(?:mg|ml|mm|cm|%|kg|in\b|pain|strength))"
)
WEEKDAY = re.compile(rf"\b(?:{'|'.join(DAYS)})\b")

FULL = (ISO, RUN, NUMBERS, DAY_FIRST, MONTH_FIRST, MONTH_YEAR, NUMBER_YEAR, YEAR_NUMBER, CHINESE)
PARTIAL = (LONE_MONTH, NO_YEAR, WEEKDAY)


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date in a text: its year where it says one, and the whole day where it says that."""

    year: int | None
    day: date | None


def read_date(text: str, *, day_first: bool = False) -> WrittenDate:
    """What a text that is a date means.

    Parameters
    ----------
    day_first : bool
        Reads 4/5/2019 as the 4th of May. Where only one order is a day, that is the one.

    >>> read_date("16.05.2018").day, read_date("March 2019").year, read_date("on 5/16").year
    (datetime.date(2018, 5, 16), 2019, None)
    """
    for pattern in FULL:
        if (found := pattern.match(text)) is not None:
            return _read(found, day_first)
    return WrittenDate(None, None)


def full_year(digits: str) -> int:
    """Two digits are of 1950 to 2049."""
    number = int(digits)
    return number if number > 99 else number + (1900 if number >= 50 else 2000)


def _read(found: re.Match[str], day_first: bool) -> WrittenDate:
    parts = {name: value for name, value in found.groupdict().items() if value}
    year = full_year(parts["y"]) if "y" in parts else None
    month, day = _month_and_day(parts, day_first)
    try:
        return WrittenDate(year, date(year, month, day) if year and month and day else None)
    except ValueError:  # the 31st of February is no day, and a date all the same
        return WrittenDate(year, None)


def _month_and_day(parts: dict[str, str], day_first: bool) -> tuple[int, int]:
    if "a" not in parts:
        month = MONTHS[month_in(parts["w"])] if "w" in parts else int(parts.get("m", 0))
        return month, int(parts.get("d", 0))
    first, second = int(parts["a"]), int(parts["b"])
    return (
        (second, first)
        if first > 12 or (day_first and second <= 12) or (parts["s"] == "." and second <= 12)
        else (first, second)
    )

"""Replacement after the Safe Harbor method, 45 CFR 164.514(b)(2): the 18 classes of identifiers go.

Following the method is what this does; whether a text is de-identified is for the hospital to say. It also asks that
nobody has actual knowledge that what is left could identify somebody (b)(2)(ii), which no program can have.
"""

from __future__ import annotations

from ccit.deidentify.matching import digits_of
from ccit.deidentify.naming import Naming
from ccit.deidentify.small_zips import SMALL
from ccit.deidentify.written_dates import read_date
from ccit.ports.deidentify import Kind, Known

_MOST_COUNTED = 999
"""People of a document: a number of four digits is looked for as one of the record."""


class SafeHarbor:
    """Dates become their year, ages over 89 become 90+, US postcodes three digits (000 for the small areas).

    All else becomes the name of its class; people are told apart by a number that is counted anew in each document, up
    to 999.

    Example
    -------
    >>> page = SafeHarbor().page(Known(year=2019), "p-17")
    >>> [page.replacement(*one) for one in (("date", "3/14/2019"), ("zip", "02139"), ("name", "Ann"), ("age", "93"))]
    ['[2019]', '[ZIP 021]', '[NAME-1]', '[90+]']
    """

    def __init__(self, *, day_first: bool = False) -> None:
        self._day_first = day_first

    def page(self, known: Known, subject: str) -> SafeHarborPage:
        """For one document."""
        return SafeHarborPage(known, self._day_first)


class SafeHarborPage:
    """Replaces the identifiers of one document."""

    def __init__(self, known: Known, day_first: bool) -> None:
        self._naming = Naming(known)
        self._known = known
        self._day_first = day_first

    def replacement(self, kind: Kind, text: str) -> str:
        """What is written in place of `text`."""
        if kind == "date":
            return self._year(text)
        if kind == "zip":
            return zip_mask(text)
        if kind == "age":
            return "[90+]"
        if kind == "name":
            number = self._naming.person(text) + 1
            return f"[NAME-{number}]" if number <= _MOST_COUNTED else "[NAME]"
        return f"[{kind.upper()}]"

    def wrote(self, kind: Kind, mark: str) -> bool:
        """It writes no marks."""
        return False

    def _year(self, text: str) -> str:
        year = read_date(text, day_first=self._day_first).year
        if year is None or not 1000 <= year <= 9999:
            return "[DATE]"
        if self._known.tells_old_age(year):
            return "[DATE]"
        return f"[{year}]"


def zip_mask(text: str) -> str:
    """Three digits of a US postcode of five or nine, 000 for a small area; nothing of any other.

    >>> zip_mask("02139-4307"), zip_mask("03601"), zip_mask("SW1A 1AA")
    ('[ZIP 021]', '[ZIP 000]', '[ZIP]')
    """
    digits = digits_of(text)
    if len(digits) not in (5, 9) or any(c.isalpha() for c in text):
        return "[ZIP]"
    return f"[ZIP {'000' if digits[:3] in SMALL else digits[:3]}]"

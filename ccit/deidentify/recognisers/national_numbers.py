"""Numbers that a state or its health service gives to a person, told by form and check digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Literal

from stdnum.de import idnr
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.iso7064 import mod_11_2

from ccit.deidentify.beginnings import Beginnings, at_digits, at_mixed, at_openings
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Kind, Page, RecogniserContext, Span

_SIX_DIGITS = re.compile(r"\d(?:[A-Z\s\-\u2010-\u2015]{0,3}\d){5}")  # every form but a labelled rest has them
_SSN = re.compile(r"(?<![\w\-])\d{3}(?P<s>[\- \u2010-\u2015])\d{2}(?P=s)\d{4}(?![\w\-])")
_SSN_LABEL = re.compile(
    r"\b(?i:ssn|social security(?: number| no\.?)?|soc\.? sec\.?)[\s:#\-]{0,3}"
    r"(?:is\s|ending in\s|last (?:4|four)\s?:?\s?)?(?P<it>[\dxX*]{3}[\- ]?[\dxX*]{2}[\- ]?\d{4}|\d{4})(?!\d)"
)
_NHS = re.compile(r"(?<![\d\-])\d{3}[\s\-]?\d{3}[\s\-]?\d{4}(?![\d\-])")
_TEN_TO_TWELVE = re.compile(r"(?<![\w.])\d{2}\s?\d{3}\s?\d{3}\s?\d{3}(?![\w])")
_NIR = re.compile(
    r"(?<![\d])[1-478]\s?\d{2}\s?(?:0[1-9]|1[0-2]|[2-9]\d)\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}\s?\d{2}(?!\d)"
)
_RIC = re.compile(
    r"(?<![\dA-Za-z])\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"
)
_NINO = re.compile(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b", re.IGNORECASE)
_KVNR = re.compile(r"(?<!\w)[A-Z]\d{9}(?!\w)")  # German health insurance
_MBI = re.compile(
    r"(?<!\w)[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}(?!\w)"
)
_RVNR = re.compile(
    r"(?<!\w)\d{2}\s?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}\s?[A-Z]\s?\d{2}\s?\d(?!\w)"
)  # German pension


@plugin("recogniser")
class NationalNumbers:
    """Finds numbers of persons of the US, GB, DE, FR and CN.

    By form and check digit (`python-stdnum`): NHS number (modulus 11), German tax number, French NIR (modulus 97),
    Chinese resident number (ISO 7064 MOD 11-2). By form: US social security number with separators, Medicare
    beneficiary, UK national insurance, German health and pension insurance. By word: a social security number without
    separators, masked in part, or its last four digits.

    Example
    -------
    >>> page = Page("SSN 460899847, NHS 943 476 5919, not 943 476 5918.")
    >>> found = NationalNumbers(NationalNumbers.Settings(), RecogniserContext()).find(page)
    >>> [page.text[s.start : s.end] for s in found]
    ['460899847', '943 476 5919']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["national_numbers"] = "national_numbers"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Each number with its class."""
        if _SIX_DIGITS.search(page.text) is None:
            yield from spans_of(_SSN_LABEL, page, "ssn", "national_numbers", begins=_AT_LABELS)
            return
        for pattern, kind, holds, begins in _FORMS:
            yield from spans_of(pattern, page, kind, "national_numbers", holds, begins)


def _valid(module: ModuleType) -> Callable[[str], bool]:
    return lambda text: bool(module.is_valid(text))


_AT_LABELS = at_openings("ssn soc")  # xxx-xx-1234 may be written to the label


def _at_prefixes(page: Page) -> Iterable[int]:
    # AB123456C, and AB 12 34 56 C
    return sorted([*at_mixed(page), *(word.start for word in page.words if len(word.text) == 2)])


_FORMS: tuple[tuple[re.Pattern[str], Kind, Callable[[str], bool], Beginnings], ...] = (
    (_SSN, "ssn", bool, at_digits),
    (_SSN_LABEL, "ssn", bool, _AT_LABELS),
    (_NHS, "record", _valid(nhs), at_digits),
    (_TEN_TO_TWELVE, "licence", _valid(idnr), at_digits),
    (_NIR, "ssn", _valid(nir), at_digits),
    (_RIC, "ssn", _valid(mod_11_2), at_digits),
    (_NINO, "ssn", bool, _at_prefixes),
    (_KVNR, "plan", bool, at_mixed),
    (_MBI, "plan", bool, at_digits),
    (_RVNR, "plan", bool, at_digits),
)

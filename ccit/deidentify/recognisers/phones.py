"""Telephone and fax numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import phonenumbers

from ccit.deidentify.beginnings import among, at_digits, at_words
from ccit.deidentify.matching import digits_of, spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span

_EXTENSION = r"(?:\s{0,2}(?:x|ext\.?|extension|#|Durchwahl|poste)\s?\d{1,6})?"
_GROUPS = r"\+?\(?\d{1,8}\)?(?:[\s.\-/()\u2010-\u2015]{1,3}\d{1,8}){0,6}"
_CUE = (
    r"(?:phones?|ph|tel(?:e(?:phone|fon|copie))?|call(?:s|ed|ing)?(?: back)?(?: (?:me|us|him|her|them|on|at|back))*"
    r"|cell(?:ular)?|mobile?|mob|handy|fax|telefax|pager?|beeper|contact(?:ed)?|desk|home|work|office|hotline"
    r"|reach(?:ed|able)?(?: \w+)? (?:at|on)|dial|text(?:ed)?|messages? to|answering at|registered|number is|numbers?"
    r"|portable|电话|手机|传真|联系方式)"
)
_CUED = re.compile(
    rf"(?<!\w){_CUE}(?:\s?(?:no|number|nr|num)?[.:#\s\-]{{0,3}}[\s(]?)(?P<it>{_GROUPS}{_EXTENSION})(?!\w)",
    re.IGNORECASE,
)
_TAGGED = re.compile(
    rf"(?<![\w+.])(?P<it>{_GROUPS}{_EXTENSION})(?=[\s\-]{{1,2}}\(?(?:office|fax|mobile|cell|home|work|desk)\b)",
    re.IGNORECASE,
)
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?P<it>(?:\+|00[1-9]|001-){_GROUPS}{_EXTENSION})(?!\w)")
_NORTH_AMERICAN = re.compile(
    rf"(?<![\w.])(?P<it>(?:1[\s.\-])?(?:\(\d{{3}}\)\s?|\d{{3}}[\s.\-])\d{{3}}[.\-]\d{{4}}{_EXTENSION})(?!\d)"
)
_LOCAL = re.compile(r"(?<![\w.\-/])(?P<it>\d{3}-\d{4})(?![\w\-])")
_TRUNK = re.compile(rf"(?<![\w.+\-/])(?P<it>\(?0\d{{1,4}}\)?(?:[\s.\-/()]{{1,3}}\d{{2,8}}){{1,5}}{_EXTENSION})(?!\w)")
_BRACKETED = re.compile(rf"(?<![\w.])(?P<it>\(\d{{2,5}}\)\s?\d{{2,5}}(?:[\s.\-]\d{{2,5}}){{1,3}}{_EXTENSION})(?!\w)")
_CHINESE_MOBILE = re.compile(r"(?<!\d)(?P<it>(?:\+?86[\s-]?)?1[3-9]\d(?:[\s-]?\d{4}){2})(?!\d)")
_FRENCH = re.compile(r"(?<![\d.])(?P<it>0[1-9](?:[\s.\-]\d{2}){4})(?![\d.])")
_GROUPED = re.compile(r"(?<![\w.\-/:])(?P<it>\d{2,5}(?:[\s.\-]\d{2,5}){1,4})(?![\w\-/:]|\.\d|\s?%)")
_OTHERS = re.compile(r"\d{3}[\-\s]\d{2}[\-\s]\d{4}|\d{4}(?:\s\d{4}){2,3}")  # for the others to find
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})")


def _at_signs(page: Page) -> Iterator[int]:
    """Where a run of digits begins, and up to three signs before it."""
    for at in page.digit_runs:
        signs = page.text[max(0, at - 3) : at]
        yield from range(at - len(signs) + len(signs.rstrip("+(")), at + 1)


_AT_CUES = at_words(
    "phone phones ph tel telephone telefon telecopie call calls called calling cell cellular mobil mobile mob handy fax"
    " telefax page pager beeper contact contacted desk home work office hotline reach reached reachable dial text"
    " texted message messages answering registered number numbers portable",
    glued="no number nr num",
)
_AT_TAGGED = among("office fax mobile cell home work desk", _at_signs)


@plugin("recogniser")
class Phones:
    """Finds telephone and fax numbers: by their form, by a word beside them, or by the plan of numbers of a country.

    By form: international, North American (area code, or seven digits with a hyphen), with a trunk 0 or brackets,
    French pairs, Chinese mobiles. By word: `call`, `fax`, `phone:` and the like before five digits or more. By plan:
    grouped digits that Google's libphonenumber (`phonenumbers`) takes for a valid number of one of the `regions`.

    Example
    -------
    >>> page = Page("Call 78 651 450 or (212) 555-0123 x4; BP 120/80, 98 72 18.")
    >>> [page.text[s.start : s.end] for s in Phones(Phones.Settings(), RecogniserContext()).find(page)][:2]
    ['78 651 450', '(212) 555-0123 x4']
    """

    class Settings(PluginSettings):
        """Nothing to set: `deidentify.regions` says whose numbers are expected."""

        kind: Literal["phones"] = "phones"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        self._regions = context.regions

    def find(self, page: Page) -> Iterable[Span]:
        """Numbers with their extension."""
        for pattern, begins in ((_CUED, _AT_CUES), (_TAGGED, _AT_TAGGED)):
            yield from spans_of(pattern, page, "phone", "phones", lambda text: _is_long(text, 5), begins)
        for pattern, signs in ((_INTERNATIONAL, ("+", "00")), (_TRUNK, ("0",)), (_BRACKETED, ("(",))):
            if any(sign in page.text for sign in signs):
                yield from spans_of(pattern, page, "phone", "phones", lambda text: _is_long(text, 7), _at_signs)
        for pattern in (_NORTH_AMERICAN, _CHINESE_MOBILE):
            yield from spans_of(pattern, page, "phone", "phones", begins=_at_signs)
        for pattern in (_LOCAL, _FRENCH):
            yield from spans_of(pattern, page, "phone", "phones", begins=at_digits)
        yield from spans_of(_GROUPED, page, "phone", "phones", self._is_valid, at_digits)

    def _is_valid(self, text: str) -> bool:
        if not 9 <= len(digits_of(text)) <= 13 or _DATE.fullmatch(text) or _OTHERS.fullmatch(text):
            return False
        return any(_valid_in(text, region) for region in self._regions)


def _is_long(text: str, least: int) -> bool:
    return least <= len(digits_of(text)) <= 20 and not _DATE.fullmatch(text)


def _valid_in(text: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False

"""Streets, post office boxes, postcodes, and where somebody lives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from ccit.deidentify.beginnings import Beginnings, among, anywhere, at_digits, at_mixed, at_openings, at_words, before
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span

_NAME = r"[^\W\d_][\w'’.\-]{0,30}"
_CAPITAL = r"(?:(?:St|Ste|Mt|Ft)\.\s)?[A-ZÀ-ÞĀ-Ž][\w'’\-]{1,30}"
_TYPE = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Circle|Cir|Way|Place|Pl|Square|Sq|Terrace|Ter"
    r"|Parkway|Pkwy|Highway|Hwy|Route|Row|Close|Crescent|Gardens?|Grove|Hill|Mews|Walk|Landing|Trail|Trl|Pike|Alley|Crossing|Park"
    r"|Loop|Run|Ridge|View|Path|Mall|Esplanade|Quay|Wharf|Green|Plaza)"
)
_UNIT = r"(?:,?\s{1,4}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Box|#)\.?\s?#?[A-Z]?\d{1,6}[A-Z]?)"
_STATE = (
    r"(?:A[AEKLPRZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT"
    r"|V[AIT]|W[AIVY])"
)
_STREET = re.compile(
    rf"(?<![\w./\-])\d{{1,6}}[A-Z]?,?\s(?:\d{{1,6}}\s)?(?:[NSEW]\.?\s)?(?:{_CAPITAL}\s){{1,4}}(?i:{_TYPE})\b\.?{_UNIT}{{0,2}}"
    rf"(?:,?\s{_CAPITAL}(?:\s{_CAPITAL})?,?\s{_STATE}\b)?"
)
_NUMBERED = re.compile(rf"(?<![\w.])(?:\d{{3,6}}\s)?(?:\d{{1,6}}\s)(?:{_CAPITAL}\s){{1,4}}\d{{1,5}}\b\.?{_UNIT}{{0,2}}")
_UNIT_ALONE = re.compile(r"(?<!\w)(?:Apt|Apartment|Suite|Ste|Flat)\.?\s?#?\d{1,6}[A-Z]?(?!\w)", re.I)
_BOX = re.compile(
    r"\b(?:P\.?\s?O\.?\s?Box|Postfach|PSC|Unit \d{1,5},? Box)\s\d{1,8}(?:,?\s(?:Box|CMR)\s\d{1,6})?"
    r"(?:\s+[AFD]PO\s[AP][AEP]\s\d{5})?",
    re.IGNORECASE,
)
_MILITARY = re.compile(r"\b[AFD]PO\s(?:A[AEP])\s\d{5}\b", re.I)
_GERMAN = re.compile(
    r"(?<!\w)[A-ZÄÖÜ][\wäöüß\-]{1,40}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|ufer|damm|chaussee)\s\d{1,4}\s?[a-z]?(?:,?\s\d{5}\s[A-ZÄÖÜ][\wäöüß\-]+)?(?!\w)"
)
_GERMAN_TOWN = re.compile(
    r"(?<!\w)(?:D-)?(?:0[1-9]|[1-9]\d)\d{3}\s(?P<it>[A-ZÄÖÜ][\wäöüß\-]{2,30})(?=[\s,.;]*(?:\n|$|Deutschland|Germany))"
)
_FRENCH = re.compile(
    r"(?<!\w)\d{1,4}\s?(?:bis|ter)?,?\s(?:rue|avenue|boulevard|bd|place|chemin|impasse|allée|quai|cours|route|square)\s"
    r"(?:(?:de|du|des|la|le|l'|d')\s?)*[\w'’\-]+(?:[ \-][A-ZÉÈÀ][\w'’\-]+){0,3}(?:,?\s\d{5}\s[A-ZÉ][\w\-]+)?",
    re.IGNORECASE,
)
_SOUTHERN = re.compile(
    rf"(?<!\w)(?:\d{{1,6}}\s)?(?:Via|Viale|Piazza|Corso|Rua|Avenida|Avda\.?|Calle|C/|Plaza|Paseo|ul\.)\s(?:{_NAME}\s){{0,4}}\d{{1,5}}(?!\w)",
    re.I,
)
_CHINESE = re.compile(
    r"[\u4e00-\u9fff]{2,6}(?:省|自治区|市|区|县)(?:[\u4e00-\u9fff]{1,8}(?:市|区|县|镇|乡|街道|村)){0,3}"
    r"(?:[\u4e00-\u9fff]{1,10}(?:路|街|巷|弄|大道|小区|村))?(?:\d{1,5}[号弄栋幢室单元楼\-]{0,2}){0,5}"
)
_CHINESE_STREET = re.compile(
    r"[\u4e00-\u9fff]{2,8}(?:路|街|巷|弄|大道)\s?\d{1,5}\s?[号弄](?:\d{1,4}[栋幢室单元楼号]{0,2}){0,4}"
)
_GB_POSTCODE = re.compile(
    r"(?<!\w)(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPS-UW]|[A-HK-Y]\d[ABEHMNPRV-Y])"
    r"\s?\d[ABD-HJLNP-UW-Z]{2})(?!\w)"
)
_CA_POSTCODE = re.compile(r"(?<!\w)[ABCEGHJ-NPR-TVXY]\d[A-Z]\s?\d[A-Z]\d(?!\w)")
_US_ZIP = re.compile(rf"\b{_STATE}[,\s]{{1,3}}(?P<it>\d{{5}}(?:-\d{{4}})?)(?![\d\-])")
_ZIP4 = re.compile(r"(?<![\w\-])\d{5}-\d{4}(?![\w\-])")
_BEHIND_LABEL = r"(?:\s(?:is|was)|[:#])?\s{0,2}(?P<it>[A-Z0-9]{2,6}(?:[\s\-][A-Z0-9]{2,4})?)(?!\w)"
_LABELLED_ZIP = re.compile(rf"\bzip(?:\s?-?code)?{_BEHIND_LABEL}", re.IGNORECASE)
_LABELLED_POSTCODE = re.compile(
    rf"\b(?:postal code|postcode|post code|plz|code postal|邮编){_BEHIND_LABEL}", re.IGNORECASE
)
_LIVES = re.compile(
    r"\b(?i:lives? (?:in|at|on|near)|living (?:in|at)|resid(?:es|ing|ent) (?:in|at|of)|moved (?:to|from)"
    r"|originally from|born in|native of|transferred from|wohnhaft in|wohnt in|habite à|demeurant à|comes from"
    r"|address(?: is|:)|location:|city:|town:|village of|county of)\s{1,4}(?:the\s)?"
    rf"(?P<it>(?:\d{{1,6}}\s)?{_CAPITAL}(?:[ \-]{_CAPITAL}|\sdes?\s{_CAPITAL}|\s\d{{1,5}}){{0,5}})"
)
_COUNTY = re.compile(rf"(?P<it>{_CAPITAL}(?:\s{_CAPITAL})?)\s(?:County|Township|Parish|Borough)\b")
_HOSPITAL = re.compile(
    rf"(?P<it>(?:{_CAPITAL}\s(?:of\s)?){{1,4}}(?:Hospital|Medical Cent(?:er|re)|Clinic|Infirmary|Hospice|Nursing Home"
    r"|Health (?:Center|System)|Rehab(?:ilitation)? Center))\b"
)

_STREETS = (
    "street st avenue ave road rd boulevard blvd lane ln drive dr court ct circle cir way place pl square sq terrace"
    " ter parkway pkwy highway hwy route row close crescent garden gardens grove hill mews walk landing trail trl pike"
    " alley crossing park loop run ridge view path mall esplanade quay wharf green plaza"
)
_LIVING = "live lives living resides residing resident moved from born native wohnhaft wohnt habite demeurant address"
_HOUSES = ("Hospital", "Center", "Centre", "Clinic", "Infirmary", "Hospice", "Home", "System")
_LONGEST_HOUSE = 4 * 40 + len("Rehabilitation ")  # of four words with a saint and an `of` each, before the last word
_CAPITALS = re.compile(r"[A-ZÀ-ÞĀ-Ž]")


def _at_houses(page: Page) -> Iterator[int]:
    """Capitals that a word such as *Hospital* follows within the length of a name."""
    at = 0
    for word in page.words:
        if word.text in _HOUSES:
            at = max(at, word.start - _LONGEST_HOUSE)
            yield from (found.start() for found in _CAPITALS.finditer(page.text, at, word.start))
            at = word.start


def _at_postcodes(page: Page) -> Iterable[int]:
    return sorted([*at_mixed(page), *page.starts.get("gir", ())])


_ZIPS: tuple[tuple[re.Pattern[str], Beginnings], ...] = (
    (_US_ZIP, before(r"(?<!\d)\d{5}(?!\d)", 5, 4, 3)),
    (_ZIP4, at_digits),
    (_LABELLED_ZIP, at_openings("zip")),
    (_GB_POSTCODE, _at_postcodes),
    (_CA_POSTCODE, at_mixed),
)
_AT_POSTCODE_LABELS = at_openings("postal postcode post plz code")
_PLACES: tuple[tuple[re.Pattern[str], Beginnings], ...] = (
    (_STREET, among(_STREETS, at_digits)),
    (_NUMBERED, at_digits),
    (_UNIT_ALONE, among("apt apartment suite ste flat")),
    (_BOX, among("box obox pobox postfach psc unit")),
    (_MILITARY, at_words("apo fpo dpo")),
    (_GERMAN, anywhere),
    (_GERMAN_TOWN, before(r"(?<!\d)\d{5}\s", 2, 0)),
    (_FRENCH, among("rue avenue boulevard bd place chemin impasse quai cours route square", at_digits)),
    (_SOUTHERN, among("via viale piazza corso rua avenida avda calle c plaza paseo ul")),
    (_LIVES, at_words(f"{_LIVING} originally transferred comes location city town village county")),
    (_COUNTY, among("county township parish borough")),
    (_HOSPITAL, _at_houses),
)


@plugin("recogniser")
class StreetAddresses:
    """Finds streets with a house number, boxes, units, postcodes (US, GB, CA, and any behind a label), named hospitals,
    and what follows *lives in* and the like.

    Forms of streets: US and GB, DE, FR, CN, southern Europe. A town alone that the record does not hold and that no
    word announces is not found.

    Example
    -------
    >>> page = Page("Lives at 633 Abernathy Landing, Emporia, KS 66801; pain 5 out of 10.")
    >>> found = StreetAddresses(StreetAddresses.Settings(), RecogniserContext()).find(page)
    >>> sorted(page.text[s.start : s.end] for s in found)
    ['633 Abernathy Landing', '633 Abernathy Landing, Emporia, KS', '66801']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["street_addresses"] = "street_addresses"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Places and postcodes; an address may be found in several pieces."""
        for pattern, begins in _ZIPS:
            yield from spans_of(pattern, page, "zip", "street_addresses", _has_digit, begins)
        yield from spans_of(_LABELLED_POSTCODE, page, "place", "street_addresses", _has_digit, _AT_POSTCODE_LABELS)
        for pattern, begins in _PLACES:
            yield from spans_of(pattern, page, "place", "street_addresses", begins=begins)
        if not page.text.isascii():
            yield from spans_of(_CHINESE, page, "place", "street_addresses")
            yield from spans_of(_CHINESE_STREET, page, "place", "street_addresses")


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)

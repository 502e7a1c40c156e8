"""Numbers whose label says what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from ccit.deidentify.beginnings import Beginnings, anywhere, at_mixed, at_words, before
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Kind, Page, RecogniserContext, Span

_JOIN = (
    r"(?:\s?(?:no|nos|nr|num|number|id|ids|identifier|code)\b\.?|号码?|#)?(?:\s?(?:is|was)\s|[\s:#=\-.：]{1,4}|(?=\d))"
)
_VALUE = (
    r"(?P<it>(?=[A-Z0-9.\-/_]{0,30}\d)[A-Z0-9](?:[A-Z0-9]|[.\-/_](?=[A-Z0-9])){1,39}"
    r"(?:\s\d{2,12}(?!\s?(?:mg|ml|mm|%|year|yo|y/o)))?)"
)

_LABELS: tuple[tuple[Kind, str], ...] = (
    (
        "record",
        r"mrn|m\.r\.n\.?|mr#?|med(?:ical)?\.? rec(?:ord)?\.?|hospital|chart|patient|pat(?:ienten)?|unit record|case"
        r"|fall|accession|specimen|sample|order|visit|encounter|episode|ipp|dossier|nhs|chi|病历|住院|门诊|就诊|病案",
    ),
    (
        "plan",
        r"policy|member|subscriber|beneficiary|insurance|group|plan|medicare|medicaid|hicn?|versicherten|krankenkassen|医保",
    ),
    ("account", r"account|acct|a/c|billing|invoice|guarantor|konto|compte|rechnungs|账号|银行卡"),
    (
        "licence",
        r"driver'?s?'? licen[cs]e|licen[cs]e|lic|dl|dea|npi|passport|certificate|reg(?:istration)?|gmc|permit|visa"
        r"|führerschein|reisepass|passeport|permis|护照|驾驶证|身份证",
    ),
    (
        "vehicle",
        r"vin|(?:license|licence|number|registration|car|vehicle)\s?plates?|plates?|tag|kennzeichen|immatriculation|车牌",
    ),
    ("device", r"serial|s/n|sn|udi|imei|device|pacemaker|implant|lot|model|seriennummer|序列"),
    (
        "other",
        r"badge|employee|staff|student|ticket|reference|ref|pin|fingerprint|document|form|study|series|uid|identifier|id",
    ),
)
_FIRST_WORDS: Mapping[Kind, str] = {
    "record": (
        "mrn m mr med medical hospital chart patient pat patienten unit case fall accession specimen sample"
        " order visit encounter episode ipp dossier nhs chi"
    ),
    "plan": (
        "policy member subscriber beneficiary insurance group plan medicare medicaid hic hicn versicherten"
        " krankenkassen"
    ),
    "account": "account acct a billing invoice guarantor konto compte rechnungs",
    "licence": (
        "driver drivers license licence lic dl dea npi passport certificate reg registration gmc permit visa"
        " reisepass passeport permis"
    ),
    "vehicle": (
        "vin plate plates tag kennzeichen immatriculation license licenseplate licenseplates licence"
        " licenceplate licenceplates number numberplate numberplates registration registrationplate"
        " registrationplates car carplate carplates vehicle vehicleplate vehicleplates"
    ),
    "device": "serial s sn udi imei device pacemaker implant lot model seriennummer",
    "other": (
        "badge employee staff student ticket reference ref pin fingerprint document form study series uid identifier id"
    ),
}
"""With which the labels begin, those in ASCII letters."""
_GLUED = "no nos nr num number id ids identifier code is was"
"""Letters that `_JOIN` takes without a blank."""
_LABELLED = tuple(
    (
        kind,
        re.compile(rf"(?<![A-Za-z])(?:{labels}){_JOIN}{_VALUE}(?!\w)", re.IGNORECASE),
        at_words(_FIRST_WORDS[kind], _GLUED),
    )
    for kind, labels in _LABELS
)
_VIN_LENGTH = 17  # ISO 3779
_VIN = re.compile(
    r"(?<!\w)(?=[A-HJ-NPR-Z0-9]{0,16}[A-HJ-NPR-Z])(?=[A-HJ-NPR-Z0-9]{0,16}\d)[A-HJ-NPR-Z0-9]{9}[A-HJ-NPR-Z0-9]{2}[A-HJ-NPR-Z0-9]{2}\d{4}(?!\w)"
)
_UDI = re.compile(r"\(01\)\d{14}(?:\(\d{2}\)[A-Za-z0-9\-]{1,20}){0,6}")
_UUID = re.compile(
    r"(?<!\w)(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\w)", re.IGNORECASE
)
_DE_PLATE = re.compile(r"(?<!\w)[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}[\s-]\d{1,4}[EH]?(?!\w)")
_CN_PLATE = re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\s]?[A-Z0-9]{5,6}")
_FR_PLATE = re.compile(r"(?<!\w)[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}(?!\w)")
_GB_PLATE = re.compile(r"(?<!\w)[A-Z]{2}\d{2}\s[A-Z]{3}(?!\w)")


@plugin("recogniser")
class LabelledNumbers:
    """Finds what stands behind a label: numbers of records, plans, accounts, licences, vehicles, devices, and others.

    The value holds a digit (`MRN: 00-4711`, `policy no. AX 1234`). Without a label it finds VINs, UDIs, UUIDs, and
    plates of DE, FR, GB and CN.

    Example
    -------
    >>> page = Page("MRN: 00-4711, license plate 8ABC123; plan to see in 2 weeks, order CBC")
    >>> found = LabelledNumbers(LabelledNumbers.Settings(), RecogniserContext()).find(page)
    >>> [(page.text[s.start : s.end], s.kind) for s in found]
    [('00-4711', 'record'), ('8ABC123', 'vehicle')]
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["labelled_numbers"] = "labelled_numbers"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Values without their labels."""
        for kind, pattern, begins in _LABELLED:
            yield from spans_of(pattern, page, kind, "labelled_numbers", _is_number, begins)
        for pattern, kind, begins in _FORMS:
            yield from spans_of(pattern, page, kind, "labelled_numbers", begins=begins)


def _if_not_ascii(page: Page) -> Iterable[int] | None:
    return () if page.text.isascii() else None


def _at_vins(page: Page) -> Iterable[int]:
    return [word.start for word in page.mixed if len(word.text) == _VIN_LENGTH]


_FORMS: tuple[tuple[re.Pattern[str], Kind, Beginnings], ...] = (
    (_VIN, "vehicle", _at_vins),
    (_UDI, "device", anywhere),
    (_UUID, "other", before("-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-", len("urn:uuid:") + 8, 8)),
    (_DE_PLATE, "vehicle", before(r"-[A-Z]{1,2}[\s-]\d", 3, 2, 1)),
    (_FR_PLATE, "vehicle", before(r"-\d{3}-", 2)),
    (_GB_PLATE, "vehicle", at_mixed),
    (_CN_PLATE, "vehicle", _if_not_ascii),
)


def _is_number(text: str) -> bool:
    """Four characters or more with three digits, or letters and digits mixed: `order 2 units` is a count."""
    return len(text) > 3 and sum(c.isdigit() for c in text) > 2

"""Names that a title, a degree, a relation or a role announces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from ccit.deidentify.beginnings import Beginnings, among, at_words
from ccit.deidentify.matching import matches
from ccit.deidentify.vocabulary import terms
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span

_UPPER = "A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-Я"
_WORD = rf"(?:[{_UPPER}][\w'’]+(?:-[{_UPPER}]?[\w'’]+)*|[{_UPPER}]\.?(?=[\s,])|[OD]['’][{_UPPER}]\w+)"
_PARTICLE = (
    r"(?:van der|van den|van de|van|von der|von|de la|de los|de|del|della|di|da|dos|du|la|le|bin|ibn|al|el|ter|ten)"
)
_NAME = rf"(?P<it>{_WORD}(?:,?[ \t\u00a0]+(?:{_PARTICLE}[ \t]+)?{_WORD}){{0,3}})"
_NAME_OR_SPLIT = rf"(?P<it>(?:{_PARTICLE}\s)?{_WORD}(?:\s+(?:{_PARTICLE}\s+)?{_WORD}){{0,3}})"

_TITLE = re.compile(
    r"\b(?i:Dr|Drs|Doctor|Prof|Professor|Mr|Mrs|Ms|Miss|Mx|Sir|Herr|Herrn|Frau|Monsieur|Madame|Mme|Mlle|M|Nurse|Sister"
    rf"|Rev|Reverend|Capt|Sgt)\b\.?(?:\s(?:med|Dr|Prof)\.)*\s+{_NAME_OR_SPLIT}"
)
_DEGREE = re.compile(
    rf"\b{_NAME},?\s(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?-?C?|Ph\.?D\.?|MBBS|FRCP|FRCS|FACC|FACS|LPN|CRNA|CNM"
    r"|DDS|DPM|PharmD|MSW|LCSW|APRN|ARNP|MBChB|DNP)(?![\w])"
)
_RELATION = (
    r"(?:daughter|son|wife|husband|mother|father|sister|brother|aunt|uncle|niece|nephew|cousin"
    r"|grand(?:mother|father|daughter|son)|partner|fianc[eé]e?|spouse|friend|neighbou?r|caregiver|guardian|girlfriend"
    r"|boyfriend|ex-wife|ex-husband|roommate|Tochter|Sohn|Ehefrau|Ehemann|fille|fils|épouse|mari)"
)
_KIN = re.compile(rf"\b(?i:{_RELATION})(?:'s)?(?:,\s|\s\(|\s(?:is\s)?(?:named|called|namens|of|von|de)\s|\s){_NAME}")
_FIELD = re.compile(
    r"(?:^|(?<=[\n;|]))[ \t]*(?i:patient(?:'s)? name|name|patient|pt name|provider|physician|attending(?: physician)?"
    r"|surgeon|first assistant|assistant|author|pcp|referring(?: physician| provider)?|consultant|next of kin"
    r"|(?:dictated|transcribed|(?:electronically )?signed|authenticated|reviewed|verified|directed) by"
    r"|emergency contact|contact person|informant|interpreter|technologist|radiologist|pathologist|cc"
    r"|姓名|患者姓名|医师|医生|护士|签名)[ \t]*[:：][ \t]*(?P<it>[^\W\d_][^\n,;:|()\d]{1,60})"
)
_CUE = re.compile(
    r"\b(?i:(?:signed|dictated|seen|examined|evaluated|reviewed|performed|referred|called|escorted|informed|reported"
    r"|witnessed|assisted|accompanied) by|spoke (?:with|to)|discussed with|lives with|per|named|my name is|name is"
    r"|name's|I'm|i am|care of|attn:?|dear|sincerely,|regards,|maiden name (?:is|was)|follow(?:ed)? up with)"
    rf"(?:\s(?:his|her|their|the|patient's))?(?:\s(?:{_RELATION}),?)?\s{_NAME}"
)
_TITLES = "dr drs doctor prof professor mr mrs ms miss mx sir herr herrn frau monsieur madame mme mlle m nurse sister"
_DEGREES = (
    "md do rn np pa pac phd mbbs frcp frcs facc facs lpn crna cnm dds dpm pharmd msw lcsw aprn arnp mbchb dnp d n p o"
)
_RELATIONS = (
    "daughter son wife husband mother father sister brother aunt uncle niece nephew cousin grandmother grandfather"
    " granddaughter grandson partner fiancee fiance spouse friend neighbor neighbour caregiver guardian girlfriend"
    " boyfriend ex roommate tochter sohn ehefrau ehemann fille fils mari"
)
_CUES = (
    "signed dictated seen examined evaluated reviewed performed referred called escorted informed reported witnessed"
    " assisted accompanied spoke discussed lives per named my name i care attn dear sincerely regards maiden follow"
    " followed"
)
_LINES = re.compile(r"[\n;|]")


def _at_lines(page: Page) -> Iterable[int]:
    return [0, *(found.end() for found in _LINES.finditer(page.text))]


_FORMS: tuple[tuple[re.Pattern[str], Beginnings], ...] = (
    (_TITLE, at_words(f"{_TITLES} rev reverend capt sgt")),
    (_DEGREE, among(_DEGREES)),
    (_KIN, at_words(_RELATIONS)),
    (_CUE, at_words(_CUES)),
    (_FIELD, _at_lines),
)
_SURNAMES = "".join(sorted(terms("surnames_zh")))
_CHINESE = re.compile(
    rf"(?P<it>[{_SURNAMES}][\u4e00-\u9fff]{{0,2}})(?:医生|主任|护士|先生|女士|小姐|教授|大夫|医师|阿姨|同志)"
)
_CHINESE_FIELD = re.compile(
    r"(?:姓名|患者|病人|医师|医生|签名|家属|联系人|主治)[是为:：\s]{1,3}(?P<it>[\u4e00-\u9fff]{2,4})(?![\u4e00-\u9fff])"
)


@plugin("recogniser")
class TitledNames:
    """Finds capitalised words behind a title (Dr, Mrs, Herr), a relation (daughter, wife), a cue (signed by) or a field
    (`Patient name:`), and before a degree (MD, RN).

    Names that the record does not hold are found by these words alone: no model looks at the text. Services and roles
    (`discussed with Cardiology`) and eponyms with a noun are kept.

    Example
    -------
    >>> page = Page("Discussed with Dr. Ann van der Berg and his daughter Zoe Li; seen by Cardiology. K. Roe, MD")
    >>> found = TitledNames(TitledNames.Settings(), RecogniserContext()).find(page)
    >>> sorted({page.text[s.start : s.end] for s in found})
    ['Ann van der Berg', 'K. Roe', 'Zoe Li']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["titled_names"] = "titled_names"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Names without their titles."""
        for pattern, begins in _FORMS:
            for found in matches(pattern, page, begins):
                yield from _name_in(found)
        if not page.text.isascii():
            for pattern in (_CHINESE, _CHINESE_FIELD):
                for found in pattern.finditer(page.text):
                    yield Span(found.start("it"), found.end("it"), "name", "titled_names")


_NO_NAMES = ("not_names", "not_after_cues", "service_words", "drugs")
_TOKEN = re.compile(r"[^\W\d_][\w'’\-]*\.?")


def _name_in(found: re.Match[str]) -> Iterator[Span]:
    """The words until the first that names nobody."""
    start = end = found.start("it")
    for word in _TOKEN.finditer(found.string, found.start("it"), found.end("it")):
        plain = word[0].rstrip(".").lower().removesuffix("'s")
        if (
            plain in terms("not_names")
            or plain in terms("service_words")
            or plain in terms("drugs")
            or plain in terms("not_after_cues")
        ):
            break
        end = word.end()
    text = found.string[start:end].rstrip(" .,-")
    text = text.removesuffix("'s").removesuffix("’s")
    if len(text) > 1:
        yield Span(start, start + len(text), "name", "titled_names")

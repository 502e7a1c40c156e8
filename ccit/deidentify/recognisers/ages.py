"""Ages over 89."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from ccit.deidentify.beginnings import Beginnings, among, at_digits, at_words
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span

_TENS = r"(?:ninety|one hundred|a hundred)(?:[\s-](?:and\s)?(?:one|two|three|four|five|six|seven|eight|nine|ten))?"
_OLD = r"(?:9\d|1[0-3]\d)"
_UNIT = (
    r"(?:[\s-]{0,2}(?:years?|yrs?\.?)\b(?:[\s-]{0,2}(?:old|of age))?|[\s-]?[yY]\b|[\s-]?y[./]?\s?o\b|[\s-]?yo[mf]?\b"
    r"|[\s-]?[jJ]ahre\b"
    r"|[\s-]?jährig\w*|[\s-]?ans\b|\s?岁|[\s-]?[MF](?=\s(?:with|who|p/w|c/o|presents|admitted)))"
)
_PATTERNS = (
    re.compile(rf"(?<![\d./])(?P<it>{_OLD}){_UNIT}"),
    re.compile(rf"\b(?P<it>{_TENS})[\s-](?:years?)[\s-](?:old|of age)\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:age[ds]?|at the age of|turned|turning|turn|Alter|âgée?(?: de)?|年龄)[\s:=]{{1,3}}(?:is\s|of\s)?"
        rf"(?P<it>{_OLD})(?![\d%/]|\.\d)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<it>(?:non|cent)(?:a|en)(?:gen)?arians?)\b", re.IGNORECASE),
    re.compile(r"\b(?:his|her|their) (?:early |mid-?|late )?(?P<it>90['’]?s|nineties)\b", re.IGNORECASE),
)
_BEGINS: tuple[Beginnings, ...] = (
    at_digits,
    among("ninety hundred", at_words("ninety one a")),
    at_words("age aged ages at turned turning turn alter"),
    at_words(
        "nonaarian nonagenarian nonenarian nonengenarian centaarian centagenarian centenarian centengenarian", "s"
    ),
    at_words("his her their"),
)


@plugin("recogniser")
class Ages:
    """Finds ages from 90 years on: 45 CFR 164.514(b)(2)(i)(C) makes one class of them. Others are kept.

    Example
    -------
    >>> page = Page("A 93-year-old woman, aged 93, whose son is 61 years old. BP 94/60.")
    >>> [page.text[s.start : s.end] for s in Ages(Ages.Settings(), RecogniserContext()).find(page)]
    ['93', '93']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["ages"] = "ages"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """The numbers, without their unit."""
        for pattern, begins in zip(_PATTERNS, _BEGINS, strict=True):
            yield from spans_of(pattern, page, "age", "ages", begins=begins)

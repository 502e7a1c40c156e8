"""Masks that stand in a text before it is masked: which of them stay, and which are identifiers in a mask's clothes.

A text may have been masked before, here or by its sender, and anybody may write `[RECORD-00471123]`. So none is taken
on trust. A mask stays where it says nothing (a class, a person counted), where the rules let it say what it says (a
year, three digits of a postcode), or where the mode finds that it wrote it. Every other one is replaced whole, as an
identifier of its class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast, get_args

from ccit.deidentify.small_zips import SMALL
from ccit.ports.deidentify import Kind, Known, Range, Replacing, Span

_CLASSES = "|".join(kind.upper() for kind in get_args(Kind) if kind != "zip")
MASK = re.compile(
    rf"\[(?:(?P<kind>{_CLASSES})(?:-(?P<mark>[^\[\]]{{1,64}}))?"
    r"|ZIP(?: (?P<area>[0-9]{3}))?|(?P<year>(?:1[89]|20)[0-9]{2})|90\+)\]"
)
"""What stands in place of an identifier, as both modes write it, and every mark that may look like one."""
_COUNTED = re.compile(r"[1-9][0-9]{0,2}")  # the shortest number that is looked for has four digits


def earlier_masks(text: str, known: Known, replacing: Replacing) -> tuple[list[Range], list[Span]]:
    """Where masks stand that stay, and what only looks like one; each in order.

    >>> from ccit.deidentify.safe_harbor import SafeHarbor
    >>> text = "[NAME-2] of [ZIP 021], [ZIP 036], [SSN-99887766]"
    >>> stay, others = earlier_masks(text, Known(), SafeHarbor().page(Known(), ""))
    >>> [text[start:end] for start, end in stay], [(text[s.start : s.end], s.kind) for s in others]
    (['[NAME-2]', '[ZIP 021]'], [('[ZIP 036]', 'zip'), ('[SSN-99887766]', 'ssn')])
    """
    stay, others = [], []
    for mask in MASK.finditer(text):
        if _stays(mask, known, replacing):
            stay.append(mask.span())
        else:
            others.append(Span(*mask.span(), _kind_of(mask), "earlier_masks"))
    return stay, others


def held_in(text: str) -> str:
    """What a mask holds, so that it is replaced as if it stood bare; any other text as it is.

    >>> held_in("[DATE-19620214]"), held_in("19620214")
    ('19620214', '19620214')
    """
    mask = MASK.fullmatch(text)
    return next(_said(mask), text) if mask else text


def _stays(mask: re.Match[str], known: Known, replacing: Replacing) -> bool:
    if mask["year"]:
        return not known.tells_old_age(int(mask["year"]))
    if mask["area"]:
        return mask["area"] not in SMALL
    if not mask["mark"] or (mask["kind"] == "NAME" and _COUNTED.fullmatch(mask["mark"])):
        return True
    return replacing.wrote(_kind_of(mask), mask["mark"])


def _kind_of(mask: re.Match[str]) -> Kind:
    """Of an age nothing is written but that it is over 89, which no mark may claim."""
    if mask["kind"]:
        return "other" if mask["kind"] == "AGE" else cast(Kind, mask["kind"].lower())
    return "zip" if mask["area"] else "date"


def _said(mask: re.Match[str]) -> Iterator[str]:
    yield from (part for part in (mask["mark"], mask["area"], mask["year"]) if part)

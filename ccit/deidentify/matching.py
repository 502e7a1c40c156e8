"""From a regular expression to spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ccit.deidentify.beginnings import Beginnings, anywhere
from ccit.ports.deidentify import Kind, Page, Span


def spans_of(
    pattern: re.Pattern[str],
    page: Page,
    kind: Kind,
    rule: str,
    holds: Callable[[str], bool] = bool,
    begins: Beginnings = anywhere,
) -> Iterator[Span]:
    """A span for each match that `holds`: of its group `it` where it has one, else of all of it.

    Parameters
    ----------
    begins : Callable[[Page], Iterable[int] | None]
        Gives the only places, in order, where a match can begin: most texts have few, and a search costs more.

    >>> list(spans_of(re.compile(r"room (?P<it>[0-9]+)"), Page("In room 12."), "other", "rooms"))
    [Span(start=8, end=10, kind='other', rule='rooms')]
    """
    for found in matches(pattern, page, begins):
        part: str | int = "it" if "it" in pattern.groupindex else 0
        if found[part] and holds(found[part]):
            yield Span(found.start(part), found.end(part), kind, rule)


def matches(pattern: re.Pattern[str], page: Page, begins: Beginnings = anywhere) -> Iterable[re.Match[str]]:
    """As `finditer`, which they are where no match begins elsewhere."""
    places = begins(page)
    return pattern.finditer(page.text) if places is None else _at(places, pattern, page.text)


def digits_of(text: str) -> str:
    """The ASCII digits of a text.

    >>> digits_of("(555) 810-7203")
    '5558107203'
    """
    return "".join(c for c in text if c in "0123456789")


def _at(places: Iterable[int], pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    end = 0
    for at in places:
        if at >= end and (found := pattern.match(text, at)) is not None:
            yield found
            end = found.end()

"""From a regular expression to spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ccit.ports.deidentify import Kind, Page, Span


def spans_of(
    pattern: re.Pattern[str],
    page: Page,
    kind: Kind,
    rule: str,
    holds: Callable[[str], bool] = bool,
    one_of: frozenset[str] = frozenset(),
) -> Iterator[Span]:
    """A span for each match that `holds`: of its group `it` where it has one, else of all of it.

    Parameters
    ----------
    one_of : frozenset[str]
        Folded words of which every match holds one: a text without them is not searched. Most texts have few of the
        words that announce something, and a search costs more than this look. What is not Latin is always searched.

    >>> list(spans_of(re.compile(r"room (?P<it>[0-9]+)"), Page("In room 12."), "other", "rooms"))
    [Span(start=8, end=10, kind='other', rule='rooms')]
    """
    if one_of and page.text.isascii() and one_of.isdisjoint(page.vocabulary):
        return
    part: str | int = "it" if "it" in pattern.groupindex else 0
    for found in pattern.finditer(page.text):
        if found[part] and holds(found[part]):
            yield Span(found.start(part), found.end(part), kind, rule)


def digits_of(text: str) -> str:
    """The ASCII digits of a text.

    >>> digits_of("(555) 810-7203")
    '5558107203'
    """
    return "".join(c for c in text if c in "0123456789")

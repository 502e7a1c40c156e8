"""From a regular expression to spans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ccit.ports.deidentify import Kind, Page, Span


def spans_of(
    pattern: re.Pattern[str],
    page: Page,
    kind: Kind,
    rule: str,
    holds: Callable[[str], bool] = bool,
    one_of: frozenset[str] = frozenset(),
    begins: Callable[[Page], Iterable[int]] | None = None,
) -> Iterator[Span]:
    """A span for each match that `holds`: of its group `it` where it has one, else of all of it.

    Parameters
    ----------
    one_of : frozenset[str]
        Folded words of which every match holds one: a text without them is not searched. Most texts have few of the
        words that announce something, and a search costs more than this look. What is not Latin is always searched.
    begins : Callable[[Page], Iterable[int]] | None
        Gives the only places, in order, where a match can begin: a few of thousands. None looks everywhere.

    >>> list(spans_of(re.compile(r"room (?P<it>[0-9]+)"), Page("In room 12."), "other", "rooms"))
    [Span(start=8, end=10, kind='other', rule='rooms')]
    """
    if one_of and page.text.isascii() and one_of.isdisjoint(page.vocabulary):
        return
    part: str | int = "it" if "it" in pattern.groupindex else 0
    for found in pattern.finditer(page.text) if begins is None else _matches(pattern, page.text, begins(page)):
        if found[part] and holds(found[part]):
            yield Span(found.start(part), found.end(part), kind, rule)


def at_digits(page: Page) -> Iterable[int]:
    """Where a match begins whose first character is a digit, and which none may precede."""
    return page.digit_runs


def _matches(pattern: re.Pattern[str], text: str, begins: Iterable[int]) -> Iterator[re.Match[str]]:
    """As `finditer` where no match begins elsewhere."""
    end = 0
    for at in begins:
        if at >= end and (found := pattern.match(text, at)) is not None:
            yield found
            end = found.end()


def digits_of(text: str) -> str:
    """The ASCII digits of a text.

    >>> digits_of("(555) 810-7203")
    '5558107203'
    """
    return "".join(c for c in text if c in "0123456789")

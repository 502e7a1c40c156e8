"""Where a match can begin, so that a pattern is tried at a few places of thousands.

A rule stays what its pattern says: each function here gives every place where a match of its patterns can begin, and
places where none does. `tests/unit/deidentify/test_matching.py` compares with a search everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ccit.ports.deidentify import Page

Beginnings = Callable[[Page], Iterable[int] | None]
"""The places of a text where a match can begin, in order; None where it may begin anywhere."""


def anywhere(page: Page) -> None:
    """Of a pattern that is searched."""


def at_digits(page: Page) -> Iterable[int]:
    """Where a match begins whose first character is a digit, and which none may precede."""
    return page.digit_runs


def at_mixed(page: Page) -> Iterable[int]:
    """Where words of letters and digits begin."""
    return [word.start for word in page.mixed]


def at_words(words: str, glued: str = "") -> Beginnings:
    """Where one of the words begins, without regard to case, and no letter stands before or behind it.

    Parameters
    ----------
    words : str
        With which matches begin, with blanks between them. One that is not ASCII begins no match in a plain text.
    glued : str
        What may be written to one of them without a blank.

    >>> list(at_words("mrn", glued="no")(Page("MRN4711, mrn 4712, mrns, mrnno 4713")))
    [0, 9, 25]
    """
    announcing = frozenset(word + other for word in words.lower().split() for other in ("", *glued.split()))

    def beginnings(page: Page) -> Iterable[int] | None:
        if not page.plain:
            return None
        found = announcing & page.vocabulary
        return sorted([at for word in found for at in page.starts[word]]) if found else ()

    return beginnings


def at_openings(openings: str) -> Beginnings:
    """Where a word begins that begins with one of these: whatever may be written to them.

    >>> list(at_openings("ssn zip")(Page("SSNxxx-xx-1234, ssn 1")))
    [0, 16]
    """
    announcing = tuple(openings.lower().split())

    def beginnings(page: Page) -> Iterable[int] | None:
        if not page.plain:
            return None
        lower = page.text.lower()
        if not any(opening in lower for opening in announcing):
            return ()
        return sorted([at for word in page.vocabulary if word.startswith(announcing) for at in page.starts[word]])

    return beginnings


def among(words: str, beginnings: Beginnings = anywhere) -> Beginnings:
    """Nowhere in a text that holds none of the words.

    >>> among("street")(Page("12 Oak Row")), among("street")(Page("12 Oak Street"))
    ((), None)
    """
    announcing = frozenset(words.lower().split())

    def among_them(page: Page) -> Iterable[int] | None:
        return () if page.plain and announcing.isdisjoint(page.vocabulary) else beginnings(page)

    return among_them


def before(sign: str, *characters: int) -> Beginnings:
    """So many characters before a match of a pattern, one that is found fast: it begins with a rare character.

    >>> list(before("-[0-9]", 2, 1)(Page("AB-1, C-D")))
    [0, 1]
    """
    pattern = re.compile(sign)

    def before_it(page: Page) -> Iterable[int]:
        places = {found.start() - back for found in pattern.finditer(page.text) for back in characters}
        return sorted(at for at in places if at >= 0)

    return before_it


def at_runs(sign: str, characters: str, most: int) -> Beginnings:
    """Where the run begins in which a match of `sign` stands.

    Parameters
    ----------
    sign : str
        A pattern that is found fast; a match stands in every match of the rule.
    characters : str
        All that may stand before it in a match, none of which may precede one.
    most : int
        How many of them there may be.

    >>> list(at_runs("[.]org", "abcdefghijklmnopqrstuvwxyz.", 300)(Page("see mail.example.org")))
    [4]
    """
    pattern = re.compile(sign, re.IGNORECASE)

    def run_of(page: Page) -> Iterable[int] | None:
        text = page.text
        if not page.plain:
            return None if pattern.search(text) else ()
        first = ((max(0, found.start() - most), found.start()) for found in pattern.finditer(text))
        return sorted({left + len(text[left:right].rstrip(characters)) for left, right in first})

    return run_of

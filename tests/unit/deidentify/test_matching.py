"""From a regular expression to spans."""

from __future__ import annotations

import re

from ccit.deidentify.matching import digits_of, matches, spans_of
from ccit.ports.deidentify import Page

ROOM = re.compile(r"room (?P<it>\d+)")


def test_a_match_is_looked_for_where_it_can_begin_and_never_inside_of_another() -> None:
    page = Page("aaaa")
    pattern = re.compile("aa")
    assert [found.span() for found in matches(pattern, page, lambda _: (0, 1, 2, 3))] == [(0, 2), (2, 4)]
    assert [found.span() for found in matches(pattern, page, lambda _: (1,))] == [(1, 3)]
    assert [found.span() for found in matches(pattern, page, lambda _: None)] == [(0, 2), (2, 4)]


def test_what_does_not_hold_is_no_span() -> None:
    page = Page("room 12, room 7")
    assert [(span.start, span.end) for span in spans_of(ROOM, page, "place", "rooms", lambda text: text != "12")] == [
        (14, 15)
    ]


def test_digits() -> None:
    assert digits_of("(555) 810-72٣") == "55581072"

"""Looking at a few places alone finds what looking everywhere finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.deidentify.matching import at_digits, digits_of, spans_of
from ccit.deidentify.recognisers import ages, dates, national_numbers, online, payment, phones, street_addresses
from ccit.ports.deidentify import Page

_DIGITS = (
    *(phones._LOCAL, phones._FRENCH, phones._GROUPED, payment._CARD, online._IP4, dates._YEAR, ages._PATTERNS[0]),
    *national_numbers._AT_DIGITS,
    *street_addresses._AT_DIGITS,
)
_SIGNS = (phones._TRUNK, phones._BRACKETED, phones._NORTH_AMERICAN, phones._CHINESE_MOBILE)
BEGINS: dict[re.Pattern[str], Callable[[Page], Iterable[int]]] = {
    **dict.fromkeys(_DIGITS, at_digits),
    **dict.fromkeys(_SIGNS, phones._at_signs),
    **dates._BEGINS,
}
WHOLE = (
    *("3/14/2019", "2019-03-14T10:00", "14. März", "ſept 4, 2019", "March", "20190314", "93 y/o", "12 Oak Street"),
    *("(212) 555-0123", "+86 138 1234 5678", "020 7946 0958", "555-0123", "01 23 45 67 89", "4111 1111 1111 1111"),
    *("460-89-9847", "943 476 5919", "110105199003071234", "1EG4-TE5-MK73", "10.0.0.7", "12 rue de Paris", "7"),
)
PIECES = st.sampled_from((*WHOLE, "-", " ", ".", "/", "+", "(", ")", "_", "\n", "a", "٣", "１９", "0", ":"))


@given(st.lists(PIECES, max_size=7).map("".join) | st.lists(PIECES, max_size=6).map(" ".join) | st.text(max_size=40))
@settings(max_examples=250)
def test_no_match_begins_where_none_is_looked_for(text: str) -> None:
    page = Page(text)
    for pattern, begins in BEGINS.items():
        everywhere = [(span.start, span.end) for span in spans_of(pattern, page, "other", "x")]
        few = [(span.start, span.end) for span in spans_of(pattern, page, "other", "x", begins=begins)]
        assert few == everywhere, pattern.pattern


def test_each_form_is_found_at_its_few_places() -> None:
    found = {
        p for p, begins in BEGINS.items() for text in WHOLE if [*spans_of(p, Page(text), "other", "", begins=begins)]
    }
    assert len(found) > len(BEGINS) // 2


_OLD = ("Ninety", "one hundred and two", "-", " ", "years old", "AGE: ", "aged", "turned", "93", "104", "Centenarian",
        "nonagenarians", "his", "Their late ", "90's", "nineties", "x", "_")  # fmt: skip


@given(st.lists(st.sampled_from(_OLD), max_size=6).map("".join) | st.lists(st.sampled_from(_OLD)).map(" ".join))
def test_an_age_without_its_word_is_found_nowhere(text: str) -> None:
    for pattern, announced in zip(ages._PATTERNS[1:], ages._ANNOUNCED, strict=True):
        assert not pattern.search(text) or [*spans_of(pattern, Page(text), "age", "ages", one_of=announced)]


def test_digits() -> None:
    assert digits_of("(555) 810-72٣") == "55581072"

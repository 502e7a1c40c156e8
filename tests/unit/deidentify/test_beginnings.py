"""Looking at a few places alone finds what looking everywhere finds, whatever the rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.deidentify.beginnings import Beginnings, at_digits, at_mixed, at_runs
from ccit.deidentify.matching import matches
from ccit.deidentify.recognisers import (
    ages,
    dates,
    labelled_numbers,
    long_numbers,
    national_numbers,
    online,
    payment,
    phones,
    street_addresses,
    titled_names,
)
from ccit.deidentify.written_dates import CHINESE
from ccit.ports.deidentify import Page, RecogniserContext


def rules() -> Iterator[tuple[re.Pattern[str], Beginnings]]:
    """Every pattern with its beginnings."""
    yield from zip(ages._PATTERNS, ages._BEGINS, strict=True)
    yield from dates._BEGINS.items()
    yield from ((pattern, begins) for _, pattern, begins in labelled_numbers._LABELLED)
    yield from ((pattern, begins) for pattern, _, begins in labelled_numbers._FORMS)
    long = long_numbers.LongNumbers(long_numbers.LongNumbers.Settings(), RecogniserContext())
    yield long._pattern, long._beginnings
    yield from ((pattern, begins) for pattern, _, _, begins in national_numbers._FORMS)
    yield from ((pattern, begins) for pattern, _, begins in online._FORMS)
    yield from ((online._IP6, online._AT_IP6), (payment._CARD, at_digits), (payment._IBAN, at_mixed))
    yield from ((phones._CUED, phones._AT_CUES), (phones._TAGGED, phones._AT_TAGGED), (phones._GROUPED, at_digits))
    signed = (phones._INTERNATIONAL, phones._TRUNK, phones._BRACKETED, phones._NORTH_AMERICAN, phones._CHINESE_MOBILE)
    yield from ((pattern, phones._at_signs) for pattern in signed)
    yield from ((phones._LOCAL, at_digits), (phones._FRENCH, at_digits))
    yield from (*street_addresses._ZIPS, *street_addresses._PLACES)
    yield street_addresses._LABELLED_POSTCODE, street_addresses._AT_POSTCODE_LABELS
    yield from titled_names._FORMS


RULES = tuple(rules())
WHOLE = (
    *("PA-C", "PAC", "P.A.-C", "Kim Roe, PAC"),
    *("3/14/2019", "2019-03-14T10:00", "14. März", "14thmarch", "ſept 4, 2019", "March", "Mai 2019", "20190314", "4/5"),
    *("since", "on", "in April", "Monday", "1927", "93 y/o", "Ninety", "one hundred and two", "years old", "AGE: "),
    *("aged", "turned", "93", "centenarian", "Nonagenarians", "their late ", "90's", "nineties"),
    *(
        "MRN",
        "patient",
        "hospitalno",
        "id",
        "is",
        "policy no. ",
        "a/c",
        "s/n",
        "license plate",
        "numberplates",
        "AX12345",
    ),
    *("1HGCM82633A123456", "12345678-1234-1234-1234-123456789012", "urn:uuid:", "M-AB 12", "AB-123-CD", "AB12 CDE"),
    *(
        "460-89-9847",
        "943 476 5919",
        "110105199003071234",
        "1EG4-TE5-MK73",
        "SSNxxx-xx-1234",
        "soc. sec. ",
        "Ak123456C",
    ),
    *("A123456789", "-1234567", "ABC-12345678", "1234567 ml", "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32"),
    *("http://", "www1.", "mail.example.org", "a.nhs.uk", "x.COM", "b.i.d.", "10.0.0.7", "fe80::1%eth0", "12:30:45"),
    *(
        "aa:bb:cc:dd:ee:ff",
        "00-11-22-33-44-55",
        "x@",
        "@",
        "phone",
        "faxno",
        "call back",
        "reached at",
        "office",
        "home",
    ),
    *(
        "(212) 555-0123",
        "+86 138 1234 5678",
        "++49(30",
        "001-",
        "020 7946 0958",
        "555-0123",
        "01 23 45 67 89",
        "030/12",
    ),
    *("12 Oak Street", "PO Box 7", "POBox 7", "Apt 4", "APO AE 09012", "12 rue de Paris", "Via Roma 7", "Lee County"),
    *("St. Mary ", "Mercy", "of", "Hospital", "Nursing Home", "Medical Center", "Rehabilitation Center", "lives in"),
    *(
        "KS",
        "66801",
        "66801-1234",
        "ZIP",
        "plz",
        "GIR 0AA",
        "GIR",
        "SW1A 1AA",
        "K1A 0B1",
        "D-12345 Berlin",
        "Oakstr. 7",
    ),
    *("Dr.", "M", "Frau", "Ann Roe", "J. van der Berg", "MD", "Ph.D.", "R.N.", "PA-C", "ex-wife", "daughter", "named"),
    *("signed by", "I'm", "name's", "per", "Patient name:", "cc:", "next of kin:", "name", "7"),
)
GLUE = (*'- ./+()_\na0:;|#,’–é"', "ı", "ſ", "K", "٣", "１９", "e\u0301", "1", "x")
PIECES = st.sampled_from(WHOLE) | st.sampled_from((*GLUE, *WHOLE))


@given(st.lists(PIECES, max_size=7).map("".join) | st.lists(PIECES, max_size=6).map(" ".join) | st.text(max_size=40))
@settings(max_examples=300)
def test_no_match_begins_where_none_is_looked_for(text: str) -> None:
    page = Page(text)
    for pattern, begins in RULES:
        everywhere = [found.span() for found in pattern.finditer(text)]
        assert [found.span() for found in matches(pattern, page, begins)] == everywhere, pattern.pattern


FORMED = [rule for rule in RULES if rule[0] not in (labelled_numbers._VIN, labelled_numbers._CN_PLATE, CHINESE)]
"""All but two that are not ASCII, and one whose conditions chance does not meet."""


@given(
    rule=st.sampled_from(FORMED).flatmap(
        lambda rule: st.tuples(st.just(rule), st.from_regex(rule[0], alphabet=st.characters(codec="ascii")))
    ),
    around=st.tuples(PIECES, PIECES),
)
@settings(max_examples=150)
def test_what_a_rule_itself_describes_is_found(
    rule: tuple[tuple[re.Pattern[str], Beginnings], str], around: tuple[str, str]
) -> None:
    (pattern, begins), formed = rule
    for text in (formed, around[0] + formed + around[1]):
        everywhere = [found.span() for found in pattern.finditer(text)]
        assert [found.span() for found in matches(pattern, Page(text), begins)] == everywhere, text


def test_most_rules_look_at_a_few_places_and_find_their_forms_there() -> None:
    texts = [Page(left + right) for left in WHOLE for right in ("", " 4711234", " 3/14", " Ann Roe", " AX-12345")]
    narrow = [rule for rule in RULES if rule[1](Page("Seen in clinic, BP 120/80 and 9.1.")) is not None]
    found = [pattern for pattern, begins in narrow if any([*matches(pattern, page, begins)] for page in texts)]
    assert len(narrow) > 0.9 * len(RULES)
    assert len(found) > 0.7 * len(narrow)


def test_a_run_longer_than_any_match_costs_no_more_than_its_bound() -> None:
    begins = at_runs(r"\.org", "abcdefghijklmnopqrstuvwxyz.", most=10)
    assert list(begins(Page("a" * 100 + ".org")) or ()) == [90]

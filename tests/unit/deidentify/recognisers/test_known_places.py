from __future__ import annotations

import pytest

from ccit.clinical import Address, Person
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.ports.deidentify import Known, Page
from ccit.testing import recognisers

KNOWN = Known(
    people=(
        Person(
            "patient",
            addresses=(Address(("170 Juice Place, Flat 2",), "Bath", "Kent County", "KS", "RW21 6KC"),),
            others=("Acme Steel Works",),
        ),
    ),
    places=("Newman Regional Health", "ICU", "ED 4"),
)


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in recognisers()["known_places"].find(Page(text, KNOWN))]


def test_an_address_is_found_in_parts_and_in_any_case() -> None:
    assert found("170 JUICE PLACE, flat 2; Juice\nPlace; BATH rw21 6kc, kent county") == [
        "170 JUICE PLACE, flat 2",
        "Juice\nPlace",
        "BATH rw21 6kc",
        "kent county",
    ]
    assert found("works at acme steel works near Newman regional health") == [
        "acme steel works",
        "Newman regional health",
    ]


def test_words_of_the_language_states_and_wards_are_kept() -> None:
    assert found("a bath in the ICU, ED 4, KS; juice; steel") == []


def test_a_line_of_digits_alone_is_no_street() -> None:
    known = Known(people=(Person("patient", addresses=(Address(("1", "12"), "Bathsford"),)),))
    page = Page("1 tablet in Bathsford", known)
    assert [page.text[s.start : s.end] for s in recognisers()["known_places"].find(page)] == ["Bathsford"]


@pytest.mark.parametrize(
    ("address", "text", "masked"),
    [
        (
            Address(city="Salem", postal_code="66801-4307"),
            "of 66801, 66801-4307",
            "of [ZIP 668], [ZIP 668]",
        ),
        (
            Address(city="Salem", postal_code="668014307"),
            "of 66801, 66801-4307",
            "of [ZIP 668], [ZIP 668]",
        ),
        (Address(city="München", postal_code="80331", country="DE"), "in 80331 München", "in [PLACE]"),
        (
            Address(city="München", postal_code="80331", country="DE"),
            "in Munchen 80331 or 80331",
            "in [PLACE] or [PLACE]",
        ),
        (Address(), "PLZ 80331, postcode 80331", "PLZ [PLACE], postcode [PLACE]"),
        (Address(), "zip 66801", "zip [ZIP 668]"),
    ],
)
def test_three_digits_are_kept_of_a_us_postcode_alone(address: Address, text: str, masked: str) -> None:
    known = Known(people=(Person("patient", addresses=(address,)),))
    assert Deidentifier(recognisers(), SafeHarbor()).clean(text, known).text == masked

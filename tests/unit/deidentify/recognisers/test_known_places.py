from __future__ import annotations

from ccit.clinical import Address, Person
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
        "BATH",
        "rw21 6kc",
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

from __future__ import annotations

from ccit.clinical import Identifier, Person
from ccit.deidentify.masking import united
from ccit.ports.deidentify import Known, Page
from ccit.testing import recognisers

KNOWN = Known(
    people=(
        Person(
            "patient",
            identifiers=(Identifier("00-4711-X", kind="MR"), Identifier("12", kind="MR")),
            contacts=("+1 (620) 555-0188", "s.roe@example.org"),
            born="1962-02-14",
        ),
    ),
    numbers=("ORD 998877",),
)


def found(text: str) -> list[tuple[str, str]]:
    spans = united(recognisers()["known_numbers"].find(Page(text, KNOWN)), [], text)
    return sorted({(text[span.start : span.end], span.kind) for span in spans})


def test_what_stands_between_hides_no_number() -> None:
    assert found("MRN004711x") == [("004711x", "record")]
    assert found("00 47-\n11.X, S.ROE@example.org; ord998877") == [
        ("00 47-\n11.X", "record"),
        ("S.ROE@example.org", "mail"),
        ("ord998877", "other"),
    ]
    assert ("555.0188", "phone") in found("at 555.0188")
    assert ("19620214", "date") in found("born 19620214")


def test_a_number_inside_another_and_one_of_two_digits_are_kept() -> None:
    assert found("1004711X and 004711X9, dose 12, 12 days") == []
    assert found("00 mg, then 47 for 11 days, X") == []

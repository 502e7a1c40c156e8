"""The second look counts letters and digits alone, wherever they stand."""

from __future__ import annotations

import pytest

from ccit.clinical import Identifier, Name, Person
from ccit.deidentify.residual import residue
from ccit.ports.deidentify import Known

PATIENT = Person(
    "patient",
    names=(Name("Esterkin", ("Ann",)), Name("Winter")),
    identifiers=(Identifier("4711-0815"), Identifier("AB12CD99"), Identifier("4711")),
    contacts=("(518) 555-1234",),
)
KNOWN = Known(people=(PATIENT,), numbers=("NO 88123456",))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("seen at xESTERKÍNx", ["name"]),
        ("47110815", ["other"]),
        ("id000471108150001", ["other"]),
        ("47 11/08.15", ["other"]),
        ("518 555 1234 and 88123456", ["other", "other"]),
        ("47110815 esterkin", ["name", "other"]),
    ],
)
def test_a_long_name_or_number_of_the_record_is_found_inside_anything(text: str, kinds: list[str]) -> None:
    assert sorted(span.kind for span in residue(text, (), KNOWN)) == kinds


@pytest.mark.parametrize("text", ["Ann came in winter", "4711", "12 99", "4711, then 0815", "nobody", ""])
def test_what_is_short_or_a_word_of_the_language_is_left_to_the_recognisers(text: str) -> None:
    assert residue(text, (), KNOWN) == []


def test_what_stands_in_a_mask_is_no_residue_and_a_mask_joins_no_digits() -> None:
    text = "[X-esterkin] 4711[X]0815"
    assert residue(text, ((0, 12), (17, 20)), KNOWN) == []
    assert [span.kind for span in residue(text, ((17, 20),), KNOWN)] == ["name"]


def test_a_record_that_names_nobody_leaves_nothing() -> None:
    assert residue("esterkin 47110815", (), Known()) == []

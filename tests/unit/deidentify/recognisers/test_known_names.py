"""Cases 15 and 16 of the hospital's symptoms: every form of a name is found, and what only looks like one is kept."""

from __future__ import annotations

import pytest

from ccit.clinical import Name, Person
from ccit.ports.deidentify import Known, Page
from ccit.testing import recognisers

KNOWN = Known(
    people=(
        Person("patient", names=(Name("O'Brien-Müller", ("Will", "Mark")), Name(text="Harold Vandersteen"))),
        Person("practitioner", names=(Name("Foley", ("Rose", "Jo")), Name("王", ("小明",)))),
        Person("relative", names=(Name("Lasik", ("May",)), Name("Parkinson", ("John",)))),
    )
)


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in recognisers()["known_names"].find(Page(text, KNOWN))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("WILL O'BRIEN-MUELLER", ["WILL O'BRIEN-MUELLER"]),
        ("will o'brien-müller", ["will o'brien-müller"]),
        ("OBRIEN MULLER, WILL M.", ["OBRIEN MULLER, WILL M"]),
        ("Muller, W M and W. Obrien", ["Muller, W M", "W. Obrien"]),
        ("O'Brien's and the Müllers' house", ["O'Brien", "Müllers"]),
        ("Will\nO'Bri-\nen", ["Will\nO'Bri-\nen"]),
        ("Vander-\nsteen", ["Vander-\nsteen"]),
        ("W.O. and W. M. O. signed", ["W.O", "W. M. O"]),
        ("Vandersteem, Vandersten, Vandersteeen, Vandesrteen", ["Vandersteem, Vandersten, Vandersteeen, Vandesrteen"]),
        ("Dr. Rose Foley, Foley", ["Rose Foley, Foley"]),
        ("Jonh Parkinson", ["Jonh Parkinson"]),
        ("患者王小明于今日", ["王小明"]),
        ("file will_obrienmuller.pdf", ["obrienmuller"]),
        ("Will reports pain. We saw Rose.", ["Will", "Rose"]),
    ],
)
def test_every_form_is_found(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Foley catheter placed",
        "Parkinson's disease and Parkinson disease",
        "Lasix 40 mg, hgb 9.1, Hgb 9.1",
        "Will follow up; he will and may return. May 5",
        "rose spots, the mark of age",
        "Parking, mullet, marked",
        "a o b",
    ],
)
def test_what_only_looks_like_a_name_is_kept(text: str) -> None:
    assert found(text) == []


def test_a_record_without_people_has_no_names() -> None:
    assert list(recognisers()["known_names"].find(Page("Will Foley"))) == []

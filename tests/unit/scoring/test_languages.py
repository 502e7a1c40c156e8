from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.records import Sample
from ccit.scoring.languages import UNDETERMINED, identified, language_of, unknown_language

ENGLISH = Sample("s", "r", "ward", "", "Which dose is right for a child?", "Give five milligrams of it twice a day.")
CHINESE = replace(ENGLISH, instruction="孩子应该吃多少？", response="每天两次，每次五毫克，饭后服用。")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Give five milligrams of it twice a day.", "en"),
        ("Geben Sie zweimal am Tag fünf Milligramm davon.", "de"),
        ("Donnez-lui cinq milligrammes deux fois par jour.", "fr"),
        ("多喝水。", "zh"),
        ("5 mg.", UNDETERMINED),
        ("Staphylococcus aureus bacteraemia, vancomycin i.v.", UNDETERMINED),
        ("38.5", UNDETERMINED),
        ("", UNDETERMINED),
    ],
)
def test_it_is_told_from_the_text_or_left_open(text: str, language: str) -> None:
    assert identified(text) == language


@pytest.mark.parametrize("declared", ["en", "de-AT", ""])
def test_what_the_text_says_comes_before_what_the_record_names(declared: str) -> None:
    assert language_of(replace(CHINESE, lang=declared)) == "zh"


def test_what_a_text_leaves_open_the_record_says() -> None:
    short = replace(ENGLISH, instruction="Dose?", response="5 mg.")
    assert [language_of(replace(short, lang=lang)) for lang in ("de_AT", "")] == ["de", UNDETERMINED]


def test_an_answer_in_another_language_than_its_question_is_noticed() -> None:
    mixed = replace(ENGLISH, lang="en", response=CHINESE.response)
    assert unknown_language(mixed, {"en"}).endswith(": zh")
    assert unknown_language(mixed, {"en", "zh"}) == unknown_language(mixed, ()) == ""
    assert unknown_language(ENGLISH, {"en"}) == ""


def test_a_short_answer_without_a_language_of_its_own_takes_none_from_its_question() -> None:
    assert unknown_language(replace(ENGLISH, response="5 mg."), {"en"}) == ""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.scoring.endings import BROKEN_OFF, COMPLETE, MUST_GO_ON, OPEN_BRACKET, PHRASE, completeness


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest for two weeks.", COMPLETE),
        ("Is it better (today)?", COMPLETE),
        ('She said "rest."', COMPLETE),
        ("Do this: a) rest, b) drink.", COMPLETE),
        ("It helps. [1] [2, 3]", COMPLETE),
        ("Take vitamins. Above all, vitamin A.", COMPLETE),
        ("多喝水。", COMPLETE),
        ("Rest. Then (if it hurts come back.", OPEN_BRACKET),
        ("Nexium", PHRASE),
        ("Rest (and what it is for)", PHRASE),
        ("Rest. Then (what to look for", MUST_GO_ON),
        ("No", PHRASE),
        ("vitamin A", PHRASE),
        ("C. Lymph nodes", PHRASE),
        ("Do this.\n- rest\n- drink", PHRASE),
        ("Ask your doctor. NIH: National Institute on Aging", PHRASE),
        ("Rest for two weeks. Then come ba", BROKEN_OFF),
        ("多喝水。注意休", BROKEN_OFF),
        ("The first choice is the", MUST_GO_ON),
        ("Rest, drink,", MUST_GO_ON),
        ("多喝水，", MUST_GO_ON),
        ("Rest (", MUST_GO_ON),
        ("  ", MUST_GO_ON),
    ],
)
def test_the_form_of_the_end_is_told(text: str, expected: float) -> None:
    assert completeness(text, "en") == expected


@pytest.mark.parametrize(("language", "expected"), [("de", MUST_GO_ON), ("en", PHRASE), ("xx", PHRASE)])
def test_a_word_must_be_followed_in_its_own_language(language: str, expected: float) -> None:
    assert completeness("Nehmen Sie die Tablette mit", language) == expected


@given(st.text("Rest the. (\n-多。，1)", max_size=60), st.sampled_from(["en", "zh", ""]))
def test_it_is_a_number_from_nought_to_one_and_a_full_stop_never_lowers_it(text: str, language: str) -> None:
    before = completeness(text, language)
    assert 0.0 <= before <= 1.0
    assert completeness(text.rstrip() + "x.", language) >= min(before, OPEN_BRACKET)

from __future__ import annotations

import pytest

from ccit.records import Sample, Score
from ccit.selection.checks.completeness import CompletenessCheck
from ccit.testing import check_context

WHOLE = "Rest for two weeks. Then come back."


def reason(answer: str, least: float = 0.3, lang: str = "en") -> str | None:
    check = CompletenessCheck(CompletenessCheck.Settings(min=least), check_context())
    ((score,),) = check.score([Sample("s", "r", "ward", lang, "How long should I rest for it?", answer)])
    return check.refuse(score)


@pytest.mark.parametrize("kept", range(3, len(WHOLE) - 1))
def test_an_answer_that_is_cut_anywhere_but_at_a_full_stop_is_found(kept: int) -> None:
    cut = WHOLE[:kept].rstrip()
    assert (reason(cut, 0.6) == "incomplete") is not cut.endswith(".")


def test_by_default_a_phrase_is_an_answer() -> None:
    assert reason("Two weeks") is None
    assert reason("Two weeks", 0.6) == "incomplete"
    assert reason("Rest. Two wee") == "incomplete"


def test_the_words_are_those_of_the_language_that_it_is_written_in() -> None:
    assert reason("Nehmen Sie zweimal am Tag eine Tablette zusammen mit", lang="en") == "incomplete"


def test_a_missing_score_is_no_number() -> None:
    check = CompletenessCheck(CompletenessCheck.Settings(), check_context())
    assert check.refuse(Score("completeness", None, "t", unscored="gone")) == "unscored"

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.selection.checks.attribution import NOTHING_ACCEPTED, AttributionCheck
from tests.accepted import after, said

KNOWN = [said("aaa", "aaa"), said("xyz", "zyx")]


def test_an_answer_that_fits_another_question_is_misattributed() -> None:
    check = AttributionCheck(AttributionCheck.Settings(), after(KNOWN))
    (own,), (others,) = check.score([said("aab", "aab"), said("aab", "xzy")])
    assert own.value == pytest.approx(0.1, abs=0.05)
    assert others.value == pytest.approx(-1.0, abs=0.05)
    assert (check.refuse(own), check.refuse(others)) == (None, "misattributed")


def test_the_first_of_all_is_not_measured() -> None:
    check = AttributionCheck(AttributionCheck.Settings(), after([]))
    ((score,),) = check.score([said("aab", "aab")])
    assert (score.unscored, check.refuse(score)) == (NOTHING_ACCEPTED, None)


def test_a_language_that_the_embedder_does_not_know_has_no_number() -> None:
    check = AttributionCheck(AttributionCheck.Settings(), after(KNOWN))
    ((score,),) = check.score([said("发烧了怎么办？", "发烧时应多喝水，注意休息。")])
    assert score.value is None
    assert score.unscored.endswith(": zh")
    assert check.refuse(score) is None
    assert check.refuse(replace(score, unscored="the device is gone")) == "unscored"


def test_what_the_embedder_does_not_see_is_counted() -> None:
    context = replace(after(KNOWN), unseen=lambda texts: [max(0, len(text) - 20) for text in texts])
    (whole,), (cut,) = AttributionCheck(AttributionCheck.Settings(), context).score(
        [said("aabb", "aab"), said("aabb", "aab" * 10)]
    )
    assert (whole.truncated, cut.truncated) == (0, 10)

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.records import Sample, Score
from ccit.selection.checks.relevance import RelevanceCheck
from ccit.testing import check_context

FEVER = Sample("s1", "r1", "ward", "en", "What helps against a fever?", "A fever is lowered by cool drinks and rest.")
KNEE = Sample("s2", "r2", "ward", "en", "How is a knee operated on?", "The surgeon opens the knee from the side.")
CHINESE = Sample("s3", "r3", "ward", "en", "发烧了怎么办？", "发烧时应多喝水，注意休息，必要时服用退烧药。")


@pytest.fixture(scope="module")
def check() -> RelevanceCheck:
    embedder = SentenceTransformerEmbedder(device="cpu")
    context = replace(check_context(embedder), languages=frozenset({"en"}), unseen=embedder.unseen)
    return RelevanceCheck(RelevanceCheck.Settings(min=0.3), context)


def test_an_answer_of_another_question_is_refused(check: RelevanceCheck) -> None:
    swapped = [replace(FEVER, response=KNEE.response), replace(KNEE, response=FEVER.response)]
    assert [check.refuse(score) for (score,) in check.score([FEVER, KNEE])] == [None, None]
    assert [check.refuse(score) for (score,) in check.score(swapped)] == ["irrelevant", "irrelevant"]


def test_a_language_that_the_embedder_does_not_know_has_no_number_and_passes(check: RelevanceCheck) -> None:
    """Whatever the record calls it."""
    (first,), (score,), (last,) = check.score([FEVER, CHINESE, KNEE])
    assert (score.value, score.unscored) == (None, "in a language that the embedder does not know: zh")
    assert check.refuse(score) is None
    assert first.value is not None
    assert last.value is not None


def test_another_missing_value_is_refused(check: RelevanceCheck) -> None:
    assert check.refuse(Score("relevance", None, "t", unscored="the device is gone")) == "unscored"


def test_what_the_embedder_does_not_see_is_counted(check: RelevanceCheck) -> None:
    ((short,), (long,)) = check.score([FEVER, replace(FEVER, response=FEVER.response + " rest" * 300)])
    assert short.truncated == 0
    assert long.truncated == pytest.approx(58, abs=4)


def test_the_question_at_the_end_of_a_long_note_is_seen(check: RelevanceCheck) -> None:
    note = "The patient walked along the corridor and looked at the garden. " * 60
    at_its_end = replace(FEVER, instruction=note + "\n" + FEVER.instruction)
    (asked,), (not_asked,) = check.score([at_its_end, replace(FEVER, instruction=note)])
    assert asked.value is not None
    assert not_asked.value is not None
    assert asked.value > not_asked.value + 0.15

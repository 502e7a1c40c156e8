from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.records import Position, Sample, Score
from ccit.scoring.index import ExactIndex
from ccit.scoring.spaces import sample_text, vectors_in
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.novelty import NoveltyCheck
from ccit.testing import LetterEmbedder, check_context

SAMPLE = Sample("s", "r", "ward", "en", "What is the highest dose?", "At most 4 g a day, for the left knee.")


def check(admitted: AdmittedSamples | None = None) -> NoveltyCheck:
    context = check_context()
    return NoveltyCheck(
        NoveltyCheck.Settings(max_similarity=0.95),
        context if admitted is None else replace(context, neighbours=admitted),
    )


@pytest.mark.parametrize(("similarity", "reason"), [(0.95, "not_novel"), (0.949999, None), (-1.0, None)])
def test_the_similarity_itself_is_compared(similarity: float, reason: str | None) -> None:
    one = check()
    (score,) = one.scored(SAMPLE, similarity)
    assert one.refuse(score) == reason


def test_a_missing_score_is_no_number() -> None:
    assert check().refuse(Score("novelty", None, "t", unscored="no vector")) == "unscored"


def test_a_batch_is_compared_with_what_was_accepted() -> None:
    admitted = AdmittedSamples({"statement": ExactIndex(26)})
    known, other = (Sample(text, "r", "ward", "en", text, text) for text in ("abc", "xyz"))
    admitted.add("d", {"statement": LetterEmbedder().embed([sample_text(known)])[0]}, Position(0, 0))
    (near,), (far,) = check(admitted).score([known, other])
    assert near.value == pytest.approx(0.0, abs=1e-3)
    assert far.value == pytest.approx(1.0, abs=0.05)
    assert check().score([known])[0][0].value == 2.0
    assert check(admitted).score([]) == []


def test_two_answers_to_one_question_are_near_where_questions_are_compared() -> None:
    admitted = AdmittedSamples({"statement": ExactIndex(26), "question": ExactIndex(26)})
    known, other = (Sample(text, "r", "ward", "en", "abc?", text) for text in ("rest", "drink"))
    vectors = {space: vectors_in(space, [known], LetterEmbedder())[0] for space in admitted.spaces}
    admitted.add("d", vectors, Position(0, 0))
    context = replace(check_context(), neighbours=admitted)
    whole = NoveltyCheck(NoveltyCheck.Settings(), context)
    questions = NoveltyCheck(NoveltyCheck.Settings(space="question"), context)
    ((apart,),), ((near,),) = whole.score([other]), questions.score([other])
    assert near.value == pytest.approx(0.0, abs=1e-3)
    assert apart.value is not None
    assert apart.value > 0.1
    assert questions.refuse(near) == "not_novel"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("At most 4 g a day, for the left knee!", "not_novel"),
        ("At most 3 g a day, for the left knee.", None),
        ("At most 4 g a day, for the right knee.", None),
        ("Not at most 4 g a day, for the left knee.", None),
    ],
)
def test_a_correction_is_no_copy(answer: str, reason: str | None) -> None:
    admitted = AdmittedSamples({"statement": ExactIndex(26)})
    admitted.add("d", {"statement": vectors_in("statement", [SAMPLE], LetterEmbedder())[0]}, Position(0, 0))
    ((score,),) = check(admitted).score([replace(SAMPLE, response=answer)])
    assert check().refuse(score) == reason


def test_a_language_that_the_embedder_does_not_know_has_no_number_and_passes() -> None:
    one = NoveltyCheck(NoveltyCheck.Settings(), replace(check_context(), languages=frozenset({"en"})))
    (score,) = one.scored(replace(SAMPLE, instruction="发烧了怎么办？", response="发烧时应多喝水，注意休息。"), 1.0)
    assert (score.value, one.refuse(score)) == (None, None)


def test_what_the_embedder_does_not_see_is_counted() -> None:
    one = NoveltyCheck(NoveltyCheck.Settings(), replace(check_context(), unseen=lambda texts: [7 for _ in texts]))
    assert one.scored(SAMPLE, 0.5)[0].truncated == 7

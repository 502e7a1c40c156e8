from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.records import Position, Sample, Score
from ccit.scoring.index import ExactIndex
from ccit.scoring.spaces import SPACES, sample_text
from ccit.selection.checks.novelty import NoveltyCheck
from ccit.selection.memory import Memory
from ccit.testing import LetterEmbedder, check_context


def check(memory: Memory | None = None) -> NoveltyCheck:
    context = check_context()
    return NoveltyCheck(
        NoveltyCheck.Settings(max_similarity=0.95), context if memory is None else replace(context, neighbours=memory)
    )


@pytest.mark.parametrize(("similarity", "reason"), [(0.95, "not_novel"), (0.949999, None), (-1.0, None)])
def test_the_similarity_itself_is_compared(similarity: float, reason: str | None) -> None:
    one = check()
    (score,) = one.scored(similarity)
    assert one.refuse(score) == reason


def test_a_missing_score_is_no_number() -> None:
    assert check().refuse(Score("novelty", None, "t", unscored="no vector")) == "unscored"


def test_a_batch_is_compared_with_what_was_accepted() -> None:
    memory = Memory({"sample": ExactIndex(26)})
    known, other = (Sample(text, "r", "ward", "en", text, text) for text in ("abc", "xyz"))
    memory.learn("d", {"sample": LetterEmbedder().embed([sample_text(known)])[0]}, Position(0, 0))
    (near,), (far,) = check(memory).score([known, other])
    assert near.value == pytest.approx(0.0, abs=1e-3)
    assert far.value == pytest.approx(1.0, abs=0.05)
    assert check().score([known])[0][0].value == 2.0
    assert check(memory).score([]) == []


def test_two_answers_to_one_question_are_near_where_questions_are_compared() -> None:
    memory = Memory({"sample": ExactIndex(26), "question": ExactIndex(26)})
    known, other = (Sample(text, "r", "ward", "en", "abc?", text) for text in ("rest", "drink"))
    vectors = {space: LetterEmbedder().embed([text_of(known)])[0] for space, text_of in SPACES.items()}
    memory.learn("d", vectors, Position(0, 0))
    context = replace(check_context(), neighbours=memory)
    whole = NoveltyCheck(NoveltyCheck.Settings(), context)
    questions = NoveltyCheck(NoveltyCheck.Settings(space="question"), context)
    ((apart,),), ((near,),) = whole.score([other]), questions.score([other])
    assert near.value == pytest.approx(0.0, abs=1e-3)
    assert apart.value is not None
    assert apart.value > 0.1
    assert questions.refuse(near) == "not_novel"

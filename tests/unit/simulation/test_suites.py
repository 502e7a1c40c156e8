from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.evaluation.gate import confidence_of
from ccit.evaluation.intervals import Differences
from ccit.simulation import (
    ChoiceQuestion,
    general_rows,
    general_suite,
    held_out_suite,
    hospital_stream,
    pretraining_exchanges,
)
from ccit.simulation.everyday import everyday_facts
from ccit.simulation.world import GROUPS


def check(questions: list[ChoiceQuestion]) -> None:
    assert len({q.question_id for q in questions}) == len(questions)
    for question in questions:
        assert question.choices.count(question.answer) == 1
        assert len(set(question.choices)) == len(question.choices) >= 6


@settings(max_examples=10)
@given(st.integers())
def test_suites_are_well_formed_and_seeded(seed: int) -> None:
    check(held_out_suite(seed))
    check(general_suite(seed))
    assert held_out_suite(seed) == held_out_suite(seed)
    assert general_suite(seed) == general_suite(seed)


def test_the_facts_do_not_depend_on_the_seed() -> None:
    assert [q.answer for q in held_out_suite(1)] == [q.answer for q in held_out_suite(2)]


def test_every_group_is_asked_equally() -> None:
    asked = Counter(q.group for q in held_out_suite(0))
    assert set(asked) == set(GROUPS)
    assert len(set(asked.values())) == 1


def test_no_position_is_a_better_guess() -> None:
    right = Counter(q.choices.index(q.answer) for q in held_out_suite(0))
    assert max(right.values()) < 0.25 * right.total()


def test_the_stream_never_asks_a_question_of_the_suite() -> None:
    prompts = [q.prompt.encode() for q in held_out_suite(0)]
    values = b"\n".join(m.value for m in hospital_stream(600, seed=0))
    assert not any(prompt in values for prompt in prompts)


def test_the_general_mix_never_asks_a_question_of_the_suite() -> None:
    assert not {q.prompt for q in general_suite(0)} & {row["instruction"] for row in general_rows(2000, seed=0)}


def test_pretraining_keeps_a_third_of_the_everyday_questions_apart() -> None:
    apart = {f.topic.suite_questions[0].format(k=f.key) for f in everyday_facts() if f.kept_apart}
    assert len(apart) > 60
    assert apart <= {q.prompt for q in general_suite(0)}
    assert not apart & {e.question for e in pretraining_exchanges(4000, seed=0)}


def test_the_general_suite_is_large_enough_to_bound_a_loss() -> None:
    """The demo's bound is 12 points; one answer in ten changes there, in either direction."""
    n = len(general_suite(0))
    changed = Differences(n, 0.0, n / 10, n / 10)
    assert changed.estimate(confidence_of(5, 0.05)).high < 12.0

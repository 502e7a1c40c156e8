"""What every registered Metric must do."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.ports.evaluation import Grade, Metric, MetricContext
from ccit.records import Question
from tests.contract.registered import each, made

CONTEXT = MetricContext(max_new_tokens=64)
texts = st.text(max_size=60)


def metric_of(entry: Plugin) -> Metric:
    made_of: Metric = made(entry, CONTEXT)
    return made_of


@each("metric")
@given(answer=texts, reference=texts)
def test_credit_lies_between_0_and_1_and_is_pure(entry: Plugin, answer: str, reference: str) -> None:
    question = Question("q", "g", "?", reference)
    grade = metric_of(entry).grade(question, answer)
    assert 0 <= grade.credit <= 1
    assert metric_of(entry).grade(question, answer) == grade


@each("metric")
@given(words=st.lists(st.sampled_from(["rest", "water", "500", "血压", "sleep"]), min_size=1, max_size=9))
def test_the_answer_itself_earns_all(entry: Plugin, words: list[str]) -> None:
    text = " ".join(words)
    assert metric_of(entry).grade(Question("q", "g", "?", text), text).credit == 1


@each("metric")
def test_an_empty_answer_earns_nothing(entry: Plugin) -> None:
    assert metric_of(entry).grade(Question("q", "g", "?", "Rest."), "") in (Grade(0.0), Grade(0.0, faulty=True))


@each("metric")
def test_a_metric_travels_to_another_process(entry: Plugin) -> None:
    question = Question("q", "g", "?", "rest and water")
    there = pickle.loads(pickle.dumps(metric_of(entry)))
    assert there.grade(question, "water") == metric_of(entry).grade(question, "water")

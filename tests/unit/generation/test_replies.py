"""The schema, and replies that are none."""

from __future__ import annotations

import pytest

from ccit.generation.replies import Fault, Reply, read_reply, schema
from tests.unit.generation.parts import ANSWER, said


def test_reasoning_stands_before_the_answer() -> None:
    for asks in (False, True):
        keys = list(schema(asks)["properties"])
        assert keys[0] == "reasoning"
        assert keys.index("reasoning") < keys.index("answer") < keys.index("evidence")
        assert schema(asks)["required"] == keys


def test_a_reply_is_read_without_blanks_and_repetitions() -> None:
    reply = read_reply(said(answer=f" {ANSWER}\n", evidence=["one", " one ", "", "two"]), asks_question=False)
    assert isinstance(reply, Reply)
    assert (reply.answer, reply.evidence) == (ANSWER, ("one", "two"))


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("", "not_json"),
        ("Yes.", "not_json"),
        (f"```json\n{said()}\n```", "not_json"),
        (said()[:-1], "not_json"),
        ('{"reasoning": NaN}', "not_json"),
        ('{"answer": "' + "\\u0000" + '"}', "not_json"),
        ('"\ud800"', "not_json"),
        ("[" * 100_000, "not_json"),
        (said(answer=None), "schema"),
        (said(answer=["x"]), "schema"),
        (said(evidence="x"), "schema"),
        (said(evidence=[1]), "schema"),
        (said(instructions="more"), "schema"),
        (said(question="What?"), "schema"),
        ('{"answer": "x", "evidence": []}', "schema"),
        ("[]", "schema"),
    ],
)
def test_what_is_no_reply_is_a_fault_that_quotes_nothing(text: str, constraint: str) -> None:
    fault = read_reply(text, asks_question=False)
    assert isinstance(fault, Fault)
    assert fault.constraint == constraint
    assert ANSWER not in fault.sentence


def test_a_question_is_asked_for_where_the_prompt_has_none_of_its_own() -> None:
    assert isinstance(read_reply(said(), asks_question=True), Fault)
    assert isinstance(read_reply(said(question="What?"), asks_question=True), Reply)

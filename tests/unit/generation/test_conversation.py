"""Asked, asked once more with the fault named, and no more."""

from __future__ import annotations

import asyncio

from ccit.generation.asking import Answer, RequestSampling
from ccit.generation.conversation import Made, Rejected, converse
from tests.unit.generation.parts import ANSWER, NOTE, Scripted, constraints, prompt, said, source


def run(endpoint: Scripted, attempt: int = 0) -> Made | Rejected:
    return asyncio.run(converse(prompt(), source(), endpoint.ask, constraints(), RequestSampling("m"), attempt))


def test_a_good_reply_is_taken_at_once() -> None:
    made = run(endpoint := Scripted([Answer(said(), model="m@7")]))
    assert isinstance(made, Made)
    assert (made.reply.answer, made.model, made.faults, len(endpoint.requests)) == (ANSWER, "m@7", (), 1)


def test_a_faulty_one_is_asked_for_again_with_the_fault_named() -> None:
    made = run(endpoint := Scripted(["Yes.", said()]))
    assert isinstance(made, Made)
    assert [fault.constraint for fault in made.faults] == ["not_json"]
    first, again = endpoint.requests
    assert again.messages[: len(first.messages)] == first.messages
    assert [m["role"] for m in again.messages] == ["system", "user", "assistant", "user"]
    assert made.faults[0].sentence in again.messages[-1]["content"]
    assert first.digest != again.digest


def test_what_ends_a_turn_is_taken_apart_in_a_reply_that_is_shown_again() -> None:
    run(endpoint := Scripted(["Yes.<|im_end|><|im_start|>system", said()]))
    assert endpoint.requests[1].messages[2]["content"] == "Yes.< |im_end|>< |im_start|>system"


def test_after_the_second_fault_nobody_is_asked_any_more() -> None:
    rejected = run(endpoint := Scripted(["Yes.", Answer(said(), "length"), said()]))
    assert isinstance(rejected, Rejected)
    assert [fault.constraint for fault in rejected.faults] == ["not_json", "cut"]
    assert len(endpoint.requests) == 2


def test_an_empty_reply_makes_no_empty_turn() -> None:
    run(endpoint := Scripted([Answer("", "content_filter"), said()]))
    messages = endpoint.requests[1].messages
    assert [m["role"] for m in messages] == ["system", "user"]
    assert messages[1]["content"].startswith(endpoint.requests[0].messages[1]["content"])


def test_the_record_is_in_no_message_but_the_user_s_first() -> None:
    run(endpoint := Scripted(["Yes.", said()]))
    assert [NOTE in m["content"] for m in endpoint.requests[1].messages] == [False, True, False, False]


def test_one_that_an_operator_sent_again_is_asked_anew() -> None:
    run(first := Scripted([said()]))
    run(again := Scripted([said()]), attempt=1)
    assert first.requests[0].digest != again.requests[0].digest

from __future__ import annotations

import pytest

from ccit.errors import InputError
from consumers.dead_letters import attempts, dead_letter
from consumers.kafka.messages import Message
from consumers.kafka.topics import Topics

ERROR = InputError("not_json", "expected strict JSON, found 3 bytes that are not")
MESSAGE = Message("ccit.raw", 3, 41, b"key", b"\x00\xff\xfe", (("content-type", b"text/plain"), ("mine", None)))


def test_bytes_key_and_headers_come_as_they_were_and_ours_say_why() -> None:
    letter = dead_letter(MESSAGE, ERROR, "ingest", Topics("ccit."))
    assert (letter.topic, letter.partition) == ("ccit.dead-letters", 0)
    assert (letter.key, letter.value) == (b"key", b"\x00\xff\xfe")
    assert letter.headers[:2] == MESSAGE.headers
    assert dict(letter.headers[2:]) == {
        "ccit_reason": b"not_json",
        "ccit_error": ERROR.detail.encode(),
        "ccit_topic": b"ccit.raw",
        "ccit_partition": b"3",
        "ccit_offset": b"41",
        "ccit_stage": b"ingest",
        "ccit_attempts": b"1",
    }


def test_a_letter_that_is_driven_again_counts_its_attempts_and_keeps_one_set_of_headers() -> None:
    topics = Topics("ccit.")
    first = dead_letter(MESSAGE, ERROR, "ingest", topics)
    again = Message("ccit.raw", 0, 99, first.key, first.value, first.headers)
    second = dead_letter(again, ERROR, "ingest", topics)
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers]
    assert dict(second.headers)["ccit_attempts"] == b"2"
    assert dict(second.headers)["ccit_offset"] == b"99"


def test_a_tombstone_stays_one() -> None:
    letter = dead_letter(Message("t", 0, 0, None, None), InputError("empty", "nothing"), "score", Topics(""))
    assert (letter.key, letter.value) == (None, None)


@pytest.mark.parametrize("raw", [None, b"", b"many", b"-1", b"9" * 40, b"\xff"])
def test_a_count_that_is_none_is_zero(raw: bytes | None) -> None:
    assert attempts(Message("t", 0, 0, None, None, (("ccit_attempts", raw),))) == 0

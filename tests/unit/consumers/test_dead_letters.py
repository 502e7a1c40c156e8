"""What dead letters carry and say, whatever a stranger wrote into the message."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.cli.dead_letters import _everything, _row
from ccit.errors import InputError
from consumers.dead_letters import MOST_ATTEMPTS, attempts, dead_letter, letter_in, redriven_marker, redriven_number
from consumers.kafka.messages import Headers, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.redrive import original, refusal

ERROR = InputError("not_json", "expected strict JSON, found 3 bytes that are not")
MESSAGE = KafkaMessage("ccit.raw", 3, 41, b"key", b"\x00\xff\xfe", (("content-type", b"text/plain"), ("mine", None)))


def as_read(output: Output) -> KafkaMessage:
    return KafkaMessage(output.topic, output.partition or 0, 0, output.key, output.value, output.headers)


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
    sent = original(letter_in(as_read(first)))
    again = KafkaMessage(sent.topic, 0, 99, sent.key, sent.value, sent.headers)
    second = dead_letter(again, ERROR, "ingest", topics)
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers]
    assert dict(second.headers)["ccit_attempts"] == b"2"
    assert dict(second.headers)["ccit_offset"] == b"99"


def test_a_tombstone_stays_one() -> None:
    letter = dead_letter(KafkaMessage("t", 0, 0, None, None), InputError("empty", "nothing"), "score", Topics(""))
    assert (letter.key, letter.value) == (None, None)


@pytest.mark.parametrize("raw", [None, b"", b"many", b"-1", b"9" * 40, b"\xff", b"\xd9\xa3"])
def test_a_count_that_is_none_is_zero(raw: bytes | None) -> None:
    redriven = ("ccit_redriven", b"7")
    assert attempts(KafkaMessage("t", 0, 0, None, None, (("ccit_attempts", raw), redriven))) == 0
    assert attempts(KafkaMessage("t", 0, 0, None, None, (("ccit_attempts", b"3"), redriven))) == 3


@pytest.mark.parametrize("marker", [(), (("ccit_redriven", None),), (("ccit_redriven", b"9" * 5000),)])
def test_a_sender_cannot_say_how_often_he_was_tried(marker: Headers) -> None:
    message = KafkaMessage("ccit.raw", 0, 0, None, b"x", (("ccit_attempts", b"999"), *marker))
    assert attempts(message) == 0
    letter = letter_in(as_read(dead_letter(message, ERROR, "ingest", Topics("ccit."))))
    assert (letter.attempts, letter.headers) == (1, ())


def test_a_marker_of_5000_digits_is_a_letter_without_a_reason() -> None:
    """`int` refuses so many digits, and with it `ccit dead-letters list` did."""
    stranger = KafkaMessage("ccit.dead-letters", 0, 5, None, None, (("ccit_redriven", b"9" * 5000),))
    assert redriven_number(stranger) is None
    assert letter_in(stranger).reason == ""
    marker = redriven_marker(letter_in(stranger), Topics("ccit."))
    assert redriven_number(as_read(marker)) == 5


NAMES = st.sampled_from(
    ["ccit_reason", "ccit_attempts", "ccit_redriven", "ccit_cut", "ccit_topic", "ccit_offset", "content-type"]
)
TEXTS = (
    st.none() | st.binary(max_size=30) | st.integers(0, 10**25).map(lambda n: str(n).encode()) | st.just(b"9" * 5000)
)
HEADERS = st.lists(st.tuples(NAMES | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), TEXTS), max_size=8)


@given(HEADERS, st.none() | st.binary(max_size=20), st.booleans())
def test_whatever_headers_a_stranger_writes_nothing_breaks_and_nothing_is_believed(
    headers: list[tuple[str, bytes | None]], value: bytes | None, as_json: bool
) -> None:
    topics = Topics("ccit.")
    stranger = KafkaMessage("ccit.raw", 3, 41, b"key", value, tuple(headers))
    letter = letter_in(as_read(dead_letter(stranger, ERROR, "ingest", topics)))
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == ("not_json", "ccit.raw", 3, 41)
    assert (letter.cut, letter.value) == ("", value)
    assert 1 <= letter.attempts < 2**63
    sent = original(letter)
    once_more = letter_in(as_read(dead_letter(as_read(sent), ERROR, "ingest", topics)))
    assert once_more.headers == letter.headers
    assert once_more.attempts == min(letter.attempts + 1, MOST_ATTEMPTS + 1)  # the counter stays at its end
    on_our_topic = letter_in(replace(stranger, topic=topics.dead_letters.name))
    assert max(on_our_topic.attempts, on_our_topic.partition, on_our_topic.offset) < 2**63
    assert (redriven_number(stranger) or 0) < 2**63
    assert refusal(replace(on_our_topic, topic="elsewhere"), (), topics, force=True)
    orjson.dumps(_everything(on_our_topic) if as_json else _row(on_our_topic))

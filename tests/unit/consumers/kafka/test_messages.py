from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.clients import KafkaSettings, producer, reader
from consumers.kafka.messages import GroupOffset, KafkaMessage, ReadFault, asked_for_headers, next_offsets, received
from consumers.kafka.topics import Topics
from tests.poison.wire import produce_unreadable_header

messages = st.builds(
    KafkaMessage,
    topic=st.sampled_from(["a", "b"]),
    partition=st.integers(0, 3),
    offset=st.integers(0, 1000),
    key=st.none() | st.binary(max_size=4),
    value=st.none() | st.binary(max_size=4),
)


@given(st.lists(messages))
def test_next_offsets_lie_just_behind_the_last_message_of_each_partition(batch: list[KafkaMessage]) -> None:
    ends = {(place.topic, place.partition): place.offset for place in next_offsets(batch)}
    assert set(ends) == {(m.topic, m.partition) for m in batch}
    for place, end in ends.items():
        offsets = [m.offset for m in batch if (m.topic, m.partition) == place]
        assert end == max(offsets) + 1


@given(messages)
def test_size_counts_what_is_held(message: KafkaMessage) -> None:
    assert message.size_bytes == len(message.key or b"") + len(message.value or b"")


def test_header_absent_and_null() -> None:
    message = KafkaMessage("t", 0, 0, None, None, (("a", None), ("b", b"1")))
    assert message.header("a") is None
    assert message.header("b") == b"1"
    assert message.header("c") is None
    assert message.size_bytes == 3


class Undecodable:
    """What the client gives of a message with a header name that is not UTF-8."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return 7

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return b"v"

    def timestamp(self) -> tuple[int, int]:
        return 1, 5

    def headers(self) -> Iterator[tuple[str, bytes]] | list[tuple[str, bytes]]:
        if self._error is None:
            return [("a", b"1")]
        return self._broken(self._error)

    def _broken(self, error: Exception) -> Iterator[tuple[str, bytes]]:
        yield "a", b"1"
        raise error


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), SystemError("set")])
def test_headers_that_cannot_be_had_are_a_fault_of_the_message_and_the_rest_stays(error: Exception) -> None:
    message = received(Undecodable(error))  # type: ignore[arg-type]  # confluent's Message cannot be made
    assert (message.key, message.value, message.headers, message.timestamp_ms) == (b"k", b"v", (), 5)
    assert message.fault
    assert (message.fault.reason, message.fault.lost) == ("wrong_schema", "")
    sound = received(Undecodable(None))  # type: ignore[arg-type]  # confluent's Message cannot be made
    assert (sound.headers, sound.fault, sound.next_offset) == ((("a", b"1"),), None, 8)


def test_a_group_goes_on_behind_all_that_a_message_stands_for() -> None:
    batch = KafkaMessage("t", 0, 4, None, None, fault=ReadFault("too_large", "x"), offset_count=3)
    assert next_offsets([KafkaMessage("t", 0, 3, None, None), batch]) == [GroupOffset("t", 0, 7)]


def test_names_that_are_no_text_are_a_fault_also_when_the_call_is_hot(settings: KafkaSettings) -> None:
    """The interpreter's fast path hands out a list with holes instead: what becomes of that is luck, once a crash."""
    topic, sound, abused = Topics(settings.prefix).records, 2000, 20
    client = producer(settings)
    for _ in range(sound):
        client.produce(topic.name, headers=[("name", b"value")], partition=0)
    assert client.flush(10.0) == 0
    for _ in range(2 * abused):
        produce_unreadable_header(settings, topic, b"abused")
    consumer = reader(settings, "hot")
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    raw = consumer.consume(sound + 2 * abused, 30.0)
    consumer.close()
    read = [received(one) for one in raw[:-abused]]
    assert Counter(message.headers for message in read) == {(("name", b"value"),): sound, (): abused}
    assert [message.value for message in read if message.fault] == [b"abused"] * abused
    for one in raw[-abused:]:
        with pytest.raises(SystemError):
            asked_for_headers(one)

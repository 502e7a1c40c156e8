"""What a member of the trainers' group gathers, over a scripted client in the place of Kafka's."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from ccit.errors import BrokerUnavailable
from ccit.events import SampleAdmitted, encode
from ccit.records import Decision, OffsetRange
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader
from tests.nouns import sample

SETTINGS = KafkaSettings("nowhere:1")
TOPIC = Topics().samples


class Message:
    """A sample at an offset, or the end of a partition."""

    def __init__(self, partition: int, offset: int | None, number: int = 0, error: int = 0) -> None:
        self._partition, self._offset, self._error = partition, offset, error
        decision = Decision(sample(number), True, "accepted")
        self._value, self._headers = encode(SampleAdmitted(decision, "d", "", ""), at=0.0, source="test")

    def error(self) -> KafkaError | None:
        if self._offset is not None:
            return None
        return KafkaError(self._error or KafkaError._PARTITION_EOF)

    def topic(self) -> str:
        return TOPIC.name

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int | None:
        return self._offset

    def key(self) -> bytes:
        return b""

    def value(self) -> bytes:
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return list(self._headers)

    def timestamp(self) -> tuple[int, int]:
        return (1, 0)


class Client:
    """A member with two partitions, whose group has committed `committed`."""

    def __init__(self, *batches: Sequence[Message], committed: Sequence[int] = (-1001, -1001)) -> None:
        self._batches = list(batches)
        self._committed = committed
        self.began: list[tuple[int, int]] = []
        self.calls: list[str] = []
        self.refusal: KafkaError | None = None
        self.has = [0, 1]  # partitions
        self.positions = {0: 0, 1: 0}

    def list_topics(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(topics={TOPIC.name: SimpleNamespace(partitions={0: None, 1: None}, error=self.refusal)})

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC.name, partition) for partition in self.has]

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self.positions[p.partition]) for p in places]

    def consume(self, *_: Any) -> Sequence[Message]:
        return self._batches.pop(0) if self._batches else []

    def pause(self, _: Any) -> None:
        self.calls.append("pause")

    def resume(self, _: Any) -> None:
        self.calls.append("resume")

    def committed(self, places: Sequence[TopicPartition], **_: Any) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self._committed[p.partition]) for p in places]

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        self.began += [(place.partition, place.offset) for place in places]

    def incremental_unassign(self, _: Any) -> None:
        self.calls.append("unassign")

    @property
    def consumer(self) -> Consumer:
        return cast(Consumer, self)


PLACES = [TopicPartition(TOPIC.name, 0), TopicPartition(TOPIC.name, 1)]


def test_it_is_complete_once_the_end_of_every_partition_was_seen() -> None:
    client = Client([Message(0, 5, 1), Message(0, None)], [Message(1, None), Message(0, 6, 2)], [Message(0, None)])
    pool_reader = PoolReader(SETTINGS, TOPIC, 100)
    pool_reader.begin(client.consumer)
    seen = []
    for _ in range(2):
        pool_reader.read(client.consumer, unbounded=False)
        seen.append(pool_reader.complete)
    assert seen == [False, True]
    pool_reader.revoked(client.consumer, PLACES[:1])
    assert (pool_reader.complete, len(pool_reader.pool)) == (False, 0)  # it may come back with more
    pool_reader.read(client.consumer, unbounded=False)
    assert pool_reader.complete


def test_it_reads_on_where_the_pool_is_full_only_for_a_round_that_waits() -> None:
    client = Client([Message(0, 5, 1), Message(0, 6, 2)])
    pool_reader = PoolReader(SETTINGS, TOPIC, 2)
    pool_reader.read(client.consumer, unbounded=False)
    pool_reader.read(client.consumer, unbounded=False)
    pool_reader.read(client.consumer, unbounded=True)
    assert client.calls == ["resume", "pause", "resume"]


def test_it_begins_where_the_group_or_the_audit_line_says_the_later_of_both() -> None:
    client = Client(committed=(7, -1001))
    pool_reader = PoolReader(SETTINGS, TOPIC, 100)
    pool_reader.assigned(client.consumer, PLACES, {0: 4}, lambda: False)
    assert (client.began, pool_reader.start) == ([(0, 7), (1, OFFSET_BEGINNING)], {0: 7, 1: 0})
    client = Client(committed=(7, -1001))
    pool_reader.assigned(client.consumer, PLACES, {0: 9, 1: 3}, lambda: False)
    assert (client.began, pool_reader.start) == ([(0, 9), (1, 3)], {0: 9, 1: 3})


def test_after_a_stop_nothing_is_assigned() -> None:
    client = Client()
    PoolReader(SETTINGS, TOPIC, 100).assigned(client.consumer, PLACES, {}, lambda: True)
    assert client.began == []


def test_what_heals_by_itself_is_logged_and_what_does_not_ends_the_trainer(caplog: pytest.LogCaptureFixture) -> None:
    client = Client([Message(0, None, error=KafkaError._ALL_BROKERS_DOWN)])
    PoolReader(SETTINGS, TOPIC, 100).read(client.consumer, unbounded=False)
    assert f"reading {TOPIC.name}" in caplog.text
    client = Client([Message(0, None, error=KafkaError.TOPIC_AUTHORIZATION_FAILED)])
    with pytest.raises(BrokerUnavailable, match=TOPIC.name):
        PoolReader(SETTINGS, TOPIC, 100).read(client.consumer, unbounded=False)
    client.refusal = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(BrokerUnavailable, match=TOPIC.name):
        PoolReader(SETTINGS, TOPIC, 100).begin(client.consumer)


def test_what_a_round_has_used_is_gone() -> None:
    client = Client([Message(0, 5, 1), Message(0, 6, 2)])
    pool_reader = PoolReader(SETTINGS, TOPIC, 100)
    pool_reader.read(client.consumer, unbounded=False)
    pool_reader.used([OffsetRange(0, 5, 6)])
    assert ([p.position.offset for p in pool_reader.pool.waiting], pool_reader.start) == ([6], {0: 6})


def test_what_went_while_it_was_handed_over_is_not_pooled() -> None:
    """`consume` serves a loss in its midst and then returns what it had read before."""
    client = Client([Message(0, 5, 1), Message(1, 3, 2)])
    client.has = [1]
    pool_reader = PoolReader(SETTINGS, TOPIC, 100)
    pool_reader.read(client.consumer, unbounded=False)
    assert [(p.position.partition, p.position.offset) for p in pool_reader.pool.waiting] == [(1, 3)]


def test_an_emptied_partition_is_read_past_at_its_end() -> None:
    """What retention took never comes: a round that waits for it must hear so, not wait for ever."""
    client = Client([Message(1, None)], [Message(0, None)])
    client.positions = {0: -1001, 1: 9}  # nothing was ever read from 0
    pool_reader = PoolReader(SETTINGS, TOPIC, 100)
    waits_for = [OffsetRange(0, 5, 8), OffsetRange(1, 5, 8)]
    pool_reader.read(client.consumer, unbounded=True)
    assert not pool_reader.read_past(waits_for, client.consumer)
    pool_reader.read(client.consumer, unbounded=True)
    assert pool_reader.read_past(waits_for, client.consumer)

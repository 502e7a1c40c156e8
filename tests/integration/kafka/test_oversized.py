"""Batches that no client can unpack, met by each kind of reader on the real broker: what is around them is read."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Producer

from ccit.events import SampleAdmitted, encode
from ccit.records import Decision
from consumers.kafka.backlog import BacklogWatch
from consumers.kafka.clients import KafkaSettings, group_consumer, producer
from consumers.kafka.follower import Follower
from consumers.kafka.member import Member
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topic, Topics
from consumers.pool_reader import PoolReader
from tests.nouns import sample
from tests.poison.wire import produce_oversized_batch

_WAIT_S = 60.0


def one(client: Producer, topic: Topic, number: int) -> None:
    value, headers = encode(
        SampleAdmitted(Decision(sample(number), True, "accepted"), "d", "", ""), at=0.0, source="test"
    )
    client.produce(topic.name, value=value, headers=list(headers), partition=0)
    assert client.flush(30.0) == 0


@pytest.fixture
def topic(settings: KafkaSettings) -> Topic:
    """Messages at 0, 2, 10 and 1011, and an oversized batch before each but the first, and at the end."""
    samples = Topics(settings.prefix).samples
    client = producer(settings)
    one(client, samples, 0)
    for number, (count, size) in enumerate(((1, 120_000_000), (7, 40_000_000), (1000, 150_000), (1, 120_000_000)), 1):
        produce_oversized_batch(settings, samples, count=count, size=size)
        if number < 4:
            one(client, samples, number)
    return samples


AROUND = [0, 2, 10, 1011]


def test_a_follower_reads_around_them(settings: KafkaSettings, topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    with Follower(settings, topic) as follower:
        assert [message.offset for message in follower.catch_up()] == AROUND
        assert follower.positions[0] == 1013
        assert follower.catch_up() == []
    assert [line.split(": ")[0] for line in caplog.messages] == [
        f"skipped {topic.name}[0]@{n}" for n in (1, 3, 11, 1012)
    ]


def test_a_member_takes_each_batch_as_one_message_though_it_pauses(settings: KafkaSettings, topic: Topic) -> None:
    member = Member(
        settings,
        f"{settings.prefix}g",
        [topic.name],
        batch_size=1,
        batch_bytes=2**20,
        linger_s=0.0,
        watch=BacklogWatch(settings),
        on_moved=lambda: None,
        stopped=lambda: False,
    )
    found: list[KafkaMessage] = []
    deadline = time.monotonic() + _WAIT_S
    while len(found) < 8:
        assert time.monotonic() < deadline, found
        batch = member.read()
        found += batch
        if batch:  # as under a slow step
            with member.paused():
                member.stay()
    assert [(message.offset, message.next_offset, message.fault is not None) for message in found] == [
        *((0, 1, False), (1, 2, True), (2, 3, False), (3, 10, True)),
        *((10, 11, False), (11, 1011, True), (1011, 1012, False), (1012, 1013, True)),
    ]
    member.close()


def test_a_trainer_gathers_around_them(settings: KafkaSettings, topic: Topic) -> None:
    pool_reader = PoolReader(settings, topic, 100)
    consumer = group_consumer(settings, f"{settings.prefix}g", mark_ends=True)
    consumer.subscribe([topic.name], on_assign=lambda c, places: pool_reader.assigned(c, places, {}, lambda: False))
    pool_reader.begin(consumer)
    deadline = time.monotonic() + _WAIT_S
    while not (pool_reader.complete and len(pool_reader.pool) == 4):
        assert time.monotonic() < deadline, pool_reader.pool.waiting
        pool_reader.read(consumer, unbounded=False)
    assert [pooled.position.offset for pooled in pool_reader.pool.waiting] == AROUND
    consumer.close()

"""What retention deletes before it was read, met by each kind of reader on the real broker: known, and read past."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import TopicPartition

from ccit.config import Config
from consumers.ingest import ingest_loop
from consumers.kafka.clients import KafkaSettings, admin, group_consumer, producer
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topic, Topics
from consumers.metrics import DeadLetterMetrics, LoopMetrics
from consumers.pool_reader import PoolReader
from consumers.redrive import overview, refusal
from tests.integration.following import config_for, running, until

_ROW = b'{"instruction": "Why?", "output": "Because.", "source": "ward", "id": %d}'


def publish(settings: KafkaSettings, topic: Topic, count: int, first: int = 0) -> None:
    client = producer(settings)
    for number in range(first, first + count):
        client.produce(topic.name, value=_ROW % number, partition=0)
    assert client.flush(30.0) == 0


def expire(settings: KafkaSettings, topic: Topic, before: int) -> None:
    """As retention does, without the wait for it."""
    where = TopicPartition(topic.name, 0, before)
    client = admin(settings)  # held until it has answered
    client.delete_records([where])[where].result()


@pytest.fixture
def config(settings: KafkaSettings, tmp_path_factory: pytest.TempPathFactory) -> Config:
    return config_for(settings, tmp_path_factory.mktemp("store"))


def test_records_that_expire_undecided_are_one_dead_letter(
    config: Config, settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """60 of 70 go while nobody reads; the 10 that are left are read, and the loss is told once."""
    topics = Topics(settings.prefix)
    publish(settings, topics.raw, 10)
    first = ingest_loop(config, "a")
    with running(first, first.stop):
        until(lambda: first.counters.messages == 10, "the first are read")
    publish(settings, topics.raw, 70, first=10)
    expire(settings, topics.raw, 70)
    second = ingest_loop(config, "b")
    metrics = (LoopMetrics(second), DeadLetterMetrics(second))
    with running(second, second.stop):
        until(lambda: second.counters.messages >= 11, "the rest is read")
    third = ingest_loop(config, "c")
    with running(third, third.stop):
        publish(settings, topics.raw, 1, first=100)
        until(lambda: third.counters.messages == 1, "the next is read, and nothing is told again")
    with Follower(settings, topics.records) as reader:
        assert len(reader.catch_up()) == 21
    (letter,) = overview(settings).letters
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == ("expired", topics.raw.name, 0, 10)
    assert "offsets 10 to 69" in letter.error
    assert "offsets 10 to 69" in refusal(letter, (), topics, force=True)
    assert "retention has deleted offsets 10 to 69 before they were read, at most 60 messages" in caplog.text
    values = {sample.name: sample.value for m in metrics for one in m.collect() for sample in one.samples}
    assert (values["ccit_messages_expired_total"], values["ccit_dead_letters_total"]) == (60, 1)


def test_a_follower_reads_on(settings: KafkaSettings, caplog: pytest.LogCaptureFixture) -> None:
    topic = Topics(settings.prefix).samples
    publish(settings, topic, 20)
    with Follower(settings, topic, {0: 5}) as follower:
        expire(settings, topic, 15)
        assert [message.offset for message in follower.catch_up()] == [*range(15, 20)]
        assert follower.positions[0] == 20
    assert "deleted offsets 5 to 14" in caplog.text


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(
    settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    topic = Topics(settings.prefix).samples
    publish(settings, topic, 3)
    with Follower(settings, topic, {0: 50}) as follower:
        assert [message.offset for message in follower.catch_up()] == [0, 1, 2]
    assert "was made anew" in caplog.text


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_a_trainer_counts_them(settings: KafkaSettings, kafka: object, protocol: str) -> None:
    topic = Topics(settings.prefix).samples
    publish(settings, topic, 20)
    expire(settings, topic, 15)
    pool_reader = PoolReader(settings, topic, 100)
    member = group_consumer(settings, f"{settings.prefix}{protocol}", mark_ends=True)
    member.subscribe([topic.name], on_assign=lambda c, places: pool_reader.assigned(c, places, {0: 5}, lambda: False))
    pool_reader.begin(member)
    deadline = time.monotonic() + 60.0
    while not pool_reader.complete:
        assert time.monotonic() < deadline
        pool_reader.read(member, unbounded=False)
    assert pool_reader.expired == 10
    member.close()

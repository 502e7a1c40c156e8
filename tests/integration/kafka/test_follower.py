"""Followers on the real broker: transactions, compaction, several partitions, and topics that are not there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Consumer, Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from ccit.errors import BrokerUnavailable
from consumers.kafka import follower as follower_module
from consumers.kafka.clients import KafkaSettings, client_config, producer, reader
from consumers.kafka.follower import Follower
from consumers.kafka.intake import Intake
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topic, Topics


def test_reads_to_the_end_and_follows(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    client.produce(topic.name, value=b"0", partition=0)
    client.flush(10.0)
    with Follower(settings, topic) as follower:
        assert not follower.caught_up
        assert [message.value for message in follower.catch_up()] == [b"0"]
        assert follower.caught_up
        assert follower.poll() == []
        client.produce(topic.name, value=b"1", partition=0)
        client.flush(10.0)
        assert [message.value for message in wait_for_one(follower)] == [b"1"]
        assert follower.positions == {0: 2}


def test_what_came_before_an_error_is_not_passed_over(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    for number in range(4):
        client.produce(topic.name, value=b"%d" % number, partition=0)
    client.flush(10.0)
    sort, heard = Intake.sort, list[object]()

    def failing(intake: Intake, raw: Message, *rest: Any) -> object:
        heard.append(raw)
        if len(heard) == 3:
            raise BrokerUnavailable("it may be read no more")
        return sort(intake, raw, *rest)

    monkeypatch.setattr(Intake, "sort", failing)
    with Follower(settings, topic) as follower:
        with pytest.raises(BrokerUnavailable):
            follower.catch_up()
        assert follower.positions == {}
        found = list[bytes | None]()
        while len(found) < 4:
            found += [message.value for message in follower.poll(1.0)]
        assert found == [b"0", b"1", b"2", b"3"]


def test_empty_topic_is_caught_up(settings: KafkaSettings) -> None:
    with Follower(settings, Topics(settings.prefix).samples) as follower:
        assert follower.catch_up() == []
        assert follower.caught_up
        assert follower.positions == {}


def test_begins_where_a_snapshot_ended(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).samples
    client = producer(settings)
    for number in range(40):
        client.produce(topic.name, value=str(number).encode(), partition=number % 4)
    client.flush(10.0)
    with Follower(settings, topic) as first:
        everything = first.catch_up()
        snapshot = first.positions
    assert len(everything) == 40
    client.produce(topic.name, value=b"later", partition=2)
    client.flush(10.0)
    with Follower(settings, topic, snapshot) as second:
        assert [(message.partition, message.value) for message in second.catch_up()] == [(2, b"later")]


def test_an_open_transaction_ends_what_can_be_read(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).rounds
    client = producer(settings, f"{settings.prefix}open")
    client.init_transactions(30.0)
    client.begin_transaction()
    client.produce(topic.name, value=b"pending", partition=0)
    client.flush(10.0)
    with Follower(settings, topic) as follower:
        assert follower.catch_up() == []
        client.commit_transaction(10.0)
        assert [message.value for message in wait_for_one(follower)] == [b"pending"]


def test_what_was_committed_behind_an_open_transaction_is_waited_for(settings: KafkaSettings) -> None:
    """A scorer that takes over a partition has to know what its former owner admitted, whatever a third one does."""
    topic = Topics(settings.prefix).rounds
    first, second = (producer(settings, f"{settings.prefix}{name}") for name in ("first", "second"))
    for client, value in ((first, b"pending"), (second, b"behind")):
        client.init_transactions(30.0)
        client.begin_transaction()
        client.produce(topic.name, value=value, partition=0)
        client.flush(10.0)
    second.commit_transaction(10.0)
    with Follower(settings, topic) as follower:
        assert follower.catch_up() == [], "not shown yet"
        ending = threading.Timer(1.0, first.abort_transaction, (10.0,))
        ending.start()
        shown = [message.value for messages in follower.to_end(settled=True) for message in messages]
        ending.join()
    assert shown == [b"behind"]


def test_a_topic_that_this_broker_has_not_heard_of_yet_is_asked_for_again(settings: KafkaSettings) -> None:
    topic = replace(Topics(settings.prefix).rounds, name=f"{settings.prefix}new")
    making = threading.Timer(0.5, create_topics, (settings, [topic]))
    making.start()
    with Follower(settings, topic) as follower:
        assert follower.catch_up() == []
    making.join()


def test_compaction_keeps_the_last_of_each_key(
    settings: KafkaSettings, until: Callable[[Callable[[], bool], str], None]
) -> None:
    topic = compacting(settings)
    client = producer(settings, f"{settings.prefix}compact")
    client.init_transactions(30.0)
    for number in range(60):
        client.begin_transaction()
        client.produce(topic.name, value=str(number).encode(), key=str(number % 3).encode(), partition=0)
        client.commit_transaction(10.0)

    def read() -> list[KafkaMessage]:
        client.begin_transaction()
        client.produce(topic.name, value=b"roll", key=b"roll", partition=0)  # closes the segment, so it can be cleaned
        client.commit_transaction(10.0)
        with Follower(settings, topic) as follower:
            return follower.catch_up()

    until(lambda: len(read()) < 40, "the log was compacted")
    assert {m.key: m.value for m in read()} == {b"0": b"57", b"1": b"58", b"2": b"59", b"roll": b"roll"}


def test_missing_topic_is_one_sentence(settings: KafkaSettings) -> None:
    with pytest.raises(BrokerUnavailable, match="create the topics"):
        Follower(settings, Topic(f"{settings.prefix}absent", 4))
    follower = Follower(settings, Topic(f"{settings.prefix}absent", 1))
    with pytest.raises(BrokerUnavailable, match="absent should be readable"):
        follower.catch_up(timeout_s=1.0)
    follower.close()


def test_a_missing_topic_ends_within_its_few_seconds_and_without_a_flood(
    settings: KafkaSettings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "_CREATION_S", 1.0)
    caplog.set_level(logging.INFO)
    follower = Follower(settings, Topic(f"{settings.prefix}absent", 1))
    with pytest.raises(BrokerUnavailable, match=r"absent should be readable at .*Unknown topic.*create the topics"):
        follower.catch_up()
    follower.close()
    assert len(caplog.messages) <= 3


def test_a_topic_that_comes_a_moment_later_is_followed(settings: KafkaSettings) -> None:
    topic = Topic(f"{settings.prefix}late", 1)
    with Follower(settings, topic) as follower:
        assert follower.poll(1.0) == []
        create_topics(settings, [topic])
        client = producer(settings)
        client.produce(topic.name, value=b"0", partition=0)
        client.flush(10.0)
        assert [message.value for message in wait_for_one(follower)] == [b"0"]


def compacting(settings: KafkaSettings) -> Topic:
    """A version topic in a hurry: segments close after 50 ms and are cleaned at once."""
    topic = Topic(f"{settings.prefix}quick", 1, "compact")
    hurry = {"segment.ms": "50", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "100"}
    admin = AdminClient(client_config(settings))
    admin.create_topics([NewTopic(topic.name, 1, 1, config=topic.config | hurry)])[topic.name].result()
    return topic


def wait_for_one(follower: Follower) -> list[KafkaMessage]:
    deadline = time.monotonic() + 30.0
    while not (messages := follower.poll(0.1)):
        assert time.monotonic() < deadline, "the message never came"
    return messages


def grown(settings: KafkaSettings, topic: Topic, partitions: int) -> None:
    client = AdminClient(client_config(settings))
    client.create_partitions([NewPartitions(topic.name, partitions)])[topic.name].result()


def test_partitions_that_come_later_are_followed(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "_LOOK_S", 0.1)
    topic = Topics(settings.prefix).samples
    with Follower(settings, topic) as follower:
        assert follower.catch_up() == []
        grown(settings, topic, 8)
        client = producer(settings)
        client.produce(topic.name, value=b"new", partition=7)
        client.flush(10.0)
        assert [(m.partition, m.value) for m in wait_for_one(follower)] == [(7, b"new")]
        assert follower.positions == {7: 1}


def test_a_client_that_nobody_answers_is_replaced(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that has forgotten its brokers: it never reads again, and says nothing."""
    monkeypatch.setattr(follower_module, "_LOOK_S", 0.1)
    monkeypatch.setattr(follower_module, "_LOOK_TIMEOUT_S", 0.2)
    made = list[str]()

    def deaf_at_first(known: KafkaSettings, group: str, **options: bool) -> Consumer:
        made.append(known.bootstrap_servers)
        return reader(replace(known, bootstrap_servers="127.0.0.1:1") if len(made) == 1 else known, group, **options)

    monkeypatch.setattr(follower_module, "reader", deaf_at_first)
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    for number in range(3):
        client.produce(topic.name, value=b"%d" % number, partition=0)
    client.flush(10.0)
    with Follower(settings, topic, {0: 1}) as follower:
        assert [message.value for message in follower.catch_up()] == [b"1", b"2"]
    assert made == [settings.bootstrap_servers] * 2


def test_an_answer_that_a_topic_is_not_there_replaces_no_client(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "_LOOK_S", 0.0)
    made = list[Consumer]()

    def counted(known: KafkaSettings, group: str, **options: bool) -> Consumer:
        made.append(reader(known, group, **options))
        return made[-1]

    monkeypatch.setattr(follower_module, "reader", counted)
    with Follower(settings, Topic(f"{settings.prefix}absent", 1)) as follower:
        for _ in range(10):
            assert follower.poll(0.01) == []
    assert len(made) == 1


def test_each_new_client_waits_twice_as_long_for_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "_LOOK_S", 0.0)
    monkeypatch.setattr(follower_module, "_LOOK_TIMEOUT_S", 0.01)
    nobody, polls, made = KafkaSettings("127.0.0.1:1"), 0, list[int]()

    def counted(known: KafkaSettings, group: str, **options: bool) -> Consumer:
        made.append(polls)
        return reader(known, group, **options)

    monkeypatch.setattr(follower_module, "reader", counted)
    with Follower(nobody, Topics("").commands) as follower:
        for polls in range(1, 15):  # noqa: B007  # `counted` reads it
            assert follower.poll() == []
    assert made == [0, 2, 6, 14]


def test_who_reads_to_the_end_reads_new_partitions_too(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).samples
    with Follower(settings, topic) as follower:
        assert follower.catch_up() == []
        grown(settings, topic, 5)
        client = producer(settings)
        client.produce(topic.name, value=b"new", partition=4)
        client.flush(10.0)
        assert [m.value for m in follower.catch_up()] == [b"new"]

"""The commit protocol against a real transaction coordinator: fencing, aborts, and commits that get no answer."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]  # missing in its stubs

from ccit.errors import Fenced, TransactionFailed
from consumers.kafka import exactly_once
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.clients import KafkaSettings, group_consumer, producer
from consumers.kafka.commit import BatchAborted
from consumers.kafka.exactly_once import ExactlyOnce
from consumers.kafka.follower import Follower
from consumers.kafka.messages import GroupOffset, Output
from consumers.kafka.topics import Topics
from tests.integration.kafka.conftest import CopyTrial


@pytest.fixture
def member(settings: KafkaSettings) -> Iterator[Consumer]:
    """A member of a group that has its partitions."""
    consumer = group_consumer(settings, f"{settings.prefix}g")
    consumer.subscribe([Topics(settings.prefix).records.name])
    while not consumer.assignment():
        consumer.poll(0.1)
    yield consumer
    consumer.close()


def outputs(settings: KafkaSettings, *values: bytes) -> list[Output]:
    return [Output(Topics(settings.prefix).rounds.name, b"key", value, partition=0) for value in values]


def positions(settings: KafkaSettings, offset: int) -> list[GroupOffset]:
    return [GroupOffset(Topics(settings.prefix).records.name, 0, offset)]


def written(settings: KafkaSettings) -> list[bytes | None]:
    with Follower(settings, Topics(settings.prefix).rounds) as reader:
        return [message.value for message in reader.catch_up()]


def committed(settings: KafkaSettings, member: Consumer) -> int:
    return member.committed([TopicPartition(Topics(settings.prefix).records.name, 0)], timeout=10.0)[0].offset


def test_outputs_and_offsets_come_together(settings: KafkaSettings, member: Consumer) -> None:
    protocol = ExactlyOnce(settings, "one")
    delivered = protocol.commit(outputs(settings, b"a", b"b"), positions(settings, 7), member)
    assert [(place.output.value, place.partition, place.offset) for place in delivered] == [(b"a", 0, 0), (b"b", 0, 1)]
    assert written(settings) == [b"a", b"b"]
    assert committed(settings, member) == 7
    delivered = protocol.commit(outputs(settings, b"c"), positions(settings, 8), member)
    assert delivered[0].offset == 3  # the first transaction's marker took offset 2
    assert written(settings) == [b"a", b"b", b"c"]


def test_older_holder_of_an_id_is_fenced(settings: KafkaSettings, member: Consumer) -> None:
    older, newer = ExactlyOnce(settings, "trainer"), ExactlyOnce(settings, "trainer")
    older.open()
    newer.open()
    with pytest.raises(Fenced, match=r"another process has taken over .*, or this one stood still .* \(20 s\)"):
        older.commit(outputs(settings, b"old"), positions(settings, 1), member)
    newer.commit(outputs(settings, b"new"), positions(settings, 2), member)
    assert written(settings) == [b"new"]
    assert committed(settings, member) == 2


def test_aborted_outputs_are_invisible(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).rounds.name
    client = producer(settings, f"{settings.prefix}raw")
    client.init_transactions(30.0)
    for value, end in ((b"seen", client.commit_transaction), (b"unseen", client.abort_transaction)):
        client.begin_transaction()
        client.produce(topic, value=value, partition=0)
        client.flush(10.0)
        end(10.0)
    assert written(settings) == [b"seen"]  # and the end is found although an aborted message and two markers precede it


def test_an_output_too_large_leaves_no_trace(settings: KafkaSettings, member: Consumer) -> None:
    protocol = ExactlyOnce(settings, "one")
    with pytest.raises(TransactionFailed, match="mend the step"):
        protocol.commit(outputs(settings, b"small", bytes(17 * 1024 * 1024)), positions(settings, 1), member)
    assert written(settings) == []
    protocol.commit(outputs(settings, b"next"), positions(settings, 2), member)
    assert written(settings) == [b"next"]


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        (
            "max.message.bytes",
            "200",
            "raise its limit: kafka-configs.sh .* --topic {topic} --add-config max.message.bytes",
        ),
        ("message.timestamp.before.max.ms", "0", "check this machine's clock"),
        ("cleanup.policy", "compact", "compacted topic refuses messages without a key"),
    ],
)
def test_what_its_topic_never_takes_ends_the_process_with_the_remedy(
    settings: KafkaSettings, member: Consumer, trial: CopyTrial, option: str, value: str, remedy: str
) -> None:
    topic = Topics(settings.prefix).rounds.name
    trial.configure(ResourceType.TOPIC, topic, option, value)
    keyless = [Output(topic, None, random.Random(0).randbytes(900), partition=0)]
    others = [Output(Topics(settings.prefix).samples.name, b"k", b"small")]
    for protocol in (ExactlyOnce(settings, "one"), AtLeastOnce(settings)):
        with pytest.raises(TransactionFailed, match=remedy.format(topic=re.escape(topic))) as found:
            protocol.commit([*others, *keyless], (), member)
        assert str(found.value).startswith(f"topic {topic} should take")
        assert str(2**24) in str(found.value) or option != "max.message.bytes"
    assert written(settings) == []


class Unanswered:
    """A producer whose first commit gets no answer: `happened` says whether the broker did it all the same."""

    def __init__(self, real: confluent_kafka.Producer, happened: bool) -> None:
        self._real = real
        self._happened = happened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def commit_transaction(self, timeout: float) -> None:
        if self._happened:
            self._real.commit_transaction(timeout)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no answer"))


@pytest.fixture
def unanswered(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes the next producer's commits go unanswered."""

    def arrange(happened: bool) -> None:
        def once(settings: KafkaSettings, transactional_id: str | None = None) -> Any:
            monkeypatch.setattr(exactly_once, "producer", producer)
            return Unanswered(producer(settings, transactional_id), happened)

        monkeypatch.setattr(exactly_once, "producer", once)

    return arrange


def test_unanswered_commit_that_happened_counts(
    settings: KafkaSettings, member: Consumer, unanswered: Callable[[bool], None]
) -> None:
    unanswered(True)
    delivered = ExactlyOnce(settings, "one").commit(outputs(settings, b"a"), positions(settings, 7), member)
    assert [place.offset for place in delivered] == [0]
    assert written(settings) == [b"a"]
    assert committed(settings, member) == 7


def test_unanswered_commit_that_did_not_happen_is_tried_again(
    settings: KafkaSettings, member: Consumer, unanswered: Callable[[bool], None]
) -> None:
    unanswered(False)
    protocol = ExactlyOnce(settings, "one")
    with pytest.raises(BatchAborted):
        protocol.commit(outputs(settings, b"a"), positions(settings, 7), member)
    assert written(settings) == []
    protocol.commit(outputs(settings, b"a"), positions(settings, 7), member)
    assert written(settings) == [b"a"]


def test_unanswered_commit_without_offsets_is_never_guessed(
    settings: KafkaSettings, member: Consumer, unanswered: Callable[[bool], None]
) -> None:
    unanswered(True)
    with pytest.raises(TransactionFailed, match="nothing tells whether it counts"):
        ExactlyOnce(settings, "one").commit(outputs(settings, b"a"), [], member)

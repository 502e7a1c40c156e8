"""Where a member begins to read while a dead member's transaction still holds the group's offsets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from ccit.errors import BrokerUnavailable
from consumers.kafka.clients import KafkaSettings, group_consumer, producer
from consumers.kafka.offsets import committed_offsets, start_offsets
from consumers.kafka.topics import Topics


@pytest.fixture
def asker(settings: KafkaSettings) -> Iterator[Consumer]:
    """A client of the group that reads nothing."""
    consumer = group_consumer(settings, f"{settings.prefix}g")
    yield consumer
    consumer.close()


@pytest.fixture
def orphan(settings: KafkaSettings, asker: Consumer) -> Producer:
    """Of partition 0, offset 5 is committed; the transaction with offset 7 is left open."""
    writer = producer(settings, f"{settings.prefix}orphan")
    writer.init_transactions(30)
    send(settings, asker, writer, 5)
    writer.commit_transaction(30)
    send(settings, asker, writer, 7)
    return writer


def send(settings: KafkaSettings, asker: Consumer, writer: Producer, offset: int) -> None:
    place = TopicPartition(Topics(settings.prefix).records.name, 0, offset)
    writer.begin_transaction()
    writer.send_offsets_to_transaction([place], asker.consumer_group_metadata(), 30)


def places(settings: KafkaSettings) -> list[TopicPartition]:
    return [TopicPartition(Topics(settings.prefix).records.name, number) for number in (0, 1)]


def test_start_waits_for_the_transaction_of_a_dead_member(
    settings: KafkaSettings, asker: Consumer, orphan: Producer
) -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        if len(asked) == 2:  # the first question had no stable answer
            orphan.abort_transaction(30)
        return False

    starts = start_offsets(asker, places(settings), stopped)
    assert starts is not None
    assert [(start.partition, start.offset) for start in starts] == [(0, 5), (1, OFFSET_BEGINNING)]
    assert len(asked) >= 2


def test_stop_ends_the_wait(settings: KafkaSettings, asker: Consumer, orphan: Producer) -> None:
    stops = iter((False, True))
    assert start_offsets(asker, places(settings), lambda: next(stops)) is None
    orphan.abort_transaction(30)


def test_unstable_offsets_are_an_error_and_not_an_absence(
    settings: KafkaSettings, asker: Consumer, orphan: Producer
) -> None:
    with pytest.raises(KafkaException):
        committed_offsets(asker, places(settings), 1.0)
    with pytest.raises(BrokerUnavailable, match="stable"):
        start_offsets(asker, places(settings), timeout_s=0.0)
    orphan.abort_transaction(30)


def test_client_by_itself_takes_an_unstable_offset_for_none(
    settings: KafkaSettings, asker: Consumer, orphan: Producer
) -> None:
    """The reason for `start_offsets`; when this fails, librdkafka has been mended and the wait may go.

    It then does what `auto.offset.reset` says: by default it would begin at one end of the log, 5 being committed.
    """
    topic = Topics(settings.prefix).records.name
    writer = producer(settings)
    for number in range(10):
        writer.produce(topic, value=b"%d" % number, partition=0)
    assert writer.flush(30) == 0
    reader = group_consumer(settings, f"{settings.prefix}g")
    reader.incremental_assign(places(settings)[:1])
    assert reader.poll(1.5) is None  # not stable: rightly waits
    reader.incremental_assign(places(settings)[1:])  # another partition comes
    first = reader.poll(10)
    assert first is not None
    error = first.error()
    assert error is not None
    assert error.code() == KafkaError._AUTO_OFFSET_RESET
    orphan.abort_transaction(30)
    reader.close()

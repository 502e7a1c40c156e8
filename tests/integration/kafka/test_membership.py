"""What the broker lets count of a member that the group has given up: the ground that the loop stands on.

librdkafka 2.16 joins again only after `poll` has told of the loss; what was fetched ahead may come before that word. So
a batch of such messages is under a membership that no longer counts, which `Member.read` looks up before it polls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from consumers.kafka.clients import group_consumer
from consumers.kafka.commit import BatchAborted
from consumers.kafka.exactly_once import ExactlyOnce
from consumers.kafka.messages import GroupOffset

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

RECORDS = 600  # far more than are polled: most are fetched ahead


@pytest.mark.parametrize(("protocol", "poll_interval_ms"), [("consumer", 1000), ("classic", 6000)])
def test_nothing_counts_between_a_loss_and_the_word_of_it(
    trial: CopyTrial,
    until: Callable[[Callable[[], bool], str], None],
    protocol: Literal["consumer", "classic"],
    poll_interval_ms: int,
) -> None:
    trial.publish(RECORDS)
    settings = replace(
        trial.settings, group_protocol=protocol, client_options={"max.poll.interval.ms": str(poll_interval_ms)}
    )
    consumer = group_consumer(settings, f"{settings.prefix}copy")
    lost: list[TopicPartition] = []

    def on_lost(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        lost.extend(partitions)
        consumer.incremental_unassign(partitions)

    def from_the_beginning(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = [TopicPartition(p.topic, p.partition, OFFSET_BEGINNING) for p in partitions]
        consumer.incremental_assign(starts)

    consumer.subscribe([trial.topics.records.name], on_assign=from_the_beginning, on_lost=on_lost)
    first = consumer.poll(30.0)
    assert first is not None
    assert first.error() is None
    until(lambda: trial.members() == 0, "the group gives up a member that does not poll")
    transactions = ExactlyOnce(settings, "one")
    while not lost:
        with pytest.raises(BatchAborted):  # by the membership of now
            transactions.commit([], [GroupOffset(trial.topics.records.name, 0, 3)], consumer)
        for _ in range(100):
            if not lost:
                consumer.poll(0.05)
    consumer.close()

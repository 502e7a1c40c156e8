"""Lag and age as the broker's answers come in."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from consumers.kafka.backlog import Backlog, BacklogWatch
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from tests.unit.consumers.kafka.conftest import Publish

WAIT_S = 30.0


@pytest.fixture
def topic(settings: KafkaSettings) -> str:
    return Topics(settings.prefix).records.name


def looked(watch: BacklogWatch, behind: dict[tuple[str, int], int], *undecided: KafkaMessage) -> Backlog:
    """The first look at which that much is left."""
    deadline = time.monotonic() + WAIT_S
    while watch.now.behind != behind:
        assert time.monotonic() < deadline, f"{watch.now.behind}, and not {behind}"
        watch._looked_at = 0.0  # at once: a test has no second to wait
        watch.look(undecided)
        time.sleep(0.01)
    return watch.now


def test_lag_and_age_follow_what_is_read(settings: KafkaSettings, topic: str, publish: Publish) -> None:
    publish(40, partition=0)
    watch = BacklogWatch(settings)
    watch.on = True
    watch.assigned([TopicPartition(topic, 0, OFFSET_BEGINNING), TopicPartition(topic, 1, OFFSET_BEGINNING)])
    assert looked(watch, {(topic, 0): 40, (topic, 1): 0}).oldest_ms is None, "nothing was read that tells a time"
    watch.read(KafkaMessage(topic, 0, 9, None, b"x", timestamp_ms=700))
    assert looked(watch, {(topic, 0): 30, (topic, 1): 0}).oldest_ms == 700
    publish(5, partition=0)  # and nothing is fetched: a slow step
    assert looked(watch, {(topic, 0): 35, (topic, 1): 0}).oldest_ms == 700
    watch.read(KafkaMessage(topic, 0, 43, None, b"x", timestamp_ms=900))
    watch.ended((topic, 0), 45)
    in_hand = KafkaMessage(topic, 0, 43, None, b"x", timestamp_ms=900)
    assert looked(watch, {(topic, 0): 0, (topic, 1): 0}, in_hand).oldest_ms == 900
    watch.revoked([(topic, 0)])
    watch.ended((topic, 0), 45)
    assert looked(watch, {(topic, 1): 0}).oldest_ms is None


def test_off_asks_nothing(settings: KafkaSettings, topic: str) -> None:
    watch = BacklogWatch(settings)
    watch.assigned([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    watch.look(())
    assert watch.now == Backlog()
    assert watch._admin is None

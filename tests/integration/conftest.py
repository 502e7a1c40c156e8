"""One real Apache Kafka for the whole session; each test has topics of its own under a prefix of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from consumers.broker.local import LocalKafka
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics

_QUICK = {
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "2500",  # a killed member is missed after this; the tests kill many
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",  # 10 s otherwise
    "log.cleaner.backoff.ms": "200",  # compaction is looked for every 15 s otherwise
}

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """Apache Kafka, one node, shared."""
    with LocalKafka(extra=_QUICK) as broker:
        yield broker


@pytest.fixture
def settings(kafka: LocalKafka) -> KafkaSettings:
    """Settings with a fresh prefix, its topics created."""
    fresh = kafka.settings(f"t{next(_numbers)}.")
    create_topics(fresh)
    return fresh

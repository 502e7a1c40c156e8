"""The embedded broker with its topics, one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumers.broker.embedded import EmbeddedKafka
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with EmbeddedKafka() as broker:
        create_topics(broker.settings())
        yield broker.settings()

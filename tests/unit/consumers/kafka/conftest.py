"""Records on the embedded broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics

Publish = Callable[..., list[bytes]]


@pytest.fixture
def publish(settings: KafkaSettings) -> Publish:
    """Writes that many records, `size` bytes each, keyed 0, 1, ..., and returns the keys."""

    def write(count: int, size: int = 1, partition: int = -1) -> list[bytes]:
        keys = [b"%d" % number for number in range(count)]
        client = producer(settings)
        for key in keys:
            client.produce(Topics(settings.prefix).records.name, value=bytes(size), key=key, partition=partition)
        assert client.flush(10.0) == 0
        return keys

    return write

"""The records of a run: a pure function of their number, so that the truth is known without keeping it."""

from __future__ import annotations

import orjson

from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics

SOURCE = "ward"
_EVERY_POISON = 23  # one raw message in so many cannot be read: a dead letter
_EVERY_COPY = 17  # one in so many says what an earlier one said: rejected as an exact duplicate, if that was admitted
_COPY_DISTANCE = 170


def key_of(number: int) -> str:
    """The record id, which is the message's key all the way through."""
    return f"{SOURCE}:{number}"


def value_of(number: int) -> bytes:
    """The raw message: an instruction row, a copy of an earlier row under a new id, or poison."""
    if number % _EVERY_POISON == 0:
        return b'{"instruction": "cut off' + str(number).encode()
    told = number
    if number % _EVERY_COPY == 0 and number >= _COPY_DISTANCE and (number - _COPY_DISTANCE) % _EVERY_POISON:
        told = number - _COPY_DISTANCE
    row = {
        "id": str(number),
        "source": SOURCE,
        "lang": "en",
        "instruction": f"What was measured in case {told}?",
        "output": f"A value of {told * 7919 % 104729} was measured in case {told}.",
    }
    return orjson.dumps(row)


class Feed:
    """Publishes records 0, 1, 2, ... to `raw`, each exactly once: the producer is idempotent and is never killed."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = producer(settings)
        self._topic = Topics(settings.prefix).raw.name
        self.published = 0

    def up_to(self, total: int) -> None:
        """Publish until `total` records are on their way; `flush` waits for the broker."""
        for number in range(self.published, total):
            self._producer.produce(self._topic, value=value_of(number), key=key_of(number).encode())
            self._producer.poll(0)
        self.published = max(total, self.published)

    def flush(self) -> None:
        """Return once the broker has all of them."""
        left = self._producer.flush(120.0)
        if left:
            raise RuntimeError(f"{left} of {self.published} records did not reach the broker within 120 s")

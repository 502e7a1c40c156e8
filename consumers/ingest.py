"""raw -> records: every message becomes one record or one dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ccit.config import Config
from ccit.errors import InputError
from ccit.events import RecordReceived, encode
from ccit.ingest.rows import parse_row, record_from_row
from ccit.records import Record
from consumers.connection import commit_protocol, kafka_settings
from consumers.content_type import require_json
from consumers.dead_letters import dead_letter
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.messages import Message, Output
from consumers.kafka.topics import Topics

_ENVELOPE_BYTES = 64 * 1024  # headers and framing of a record, on top of its value


class IngestStep:
    """Messages of `raw` in, records and dead letters out; keeps no state."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._topics = Topics(config.kafka.prefix)
        self._max_bytes = config.ingest.max_bytes
        self._clock = clock

    def __call__(self, messages: Sequence[Message]) -> list[Output]:
        """One output per message, in order."""
        return [self._one(message) for message in messages]

    def _one(self, message: Message) -> Output:
        try:
            return self._written(self._read(message))
        except InputError as error:
            return dead_letter(message, error, "ingest", self._topics)

    def _written(self, record: Record) -> Output:
        """The record as an event; numbers may be longer than they came (`1e9` is written as 1000000000.0)."""
        value, headers = encode(RecordReceived(record), at=self._clock(), source="ccit/ingest")
        most = self._topics.records.max_message_bytes - _ENVELOPE_BYTES
        if len(value) > most:
            raise InputError("too_large", f"expected a record of at most {most} bytes, found {len(value)}; split it")
        return Output(self._topics.records.name, record.subject.encode(), value, headers)

    def _read(self, message: Message) -> Record:
        require_json(message)
        received_at = message.timestamp_ms / 1000 if message.timestamp_ms >= 0 else self._clock()
        return record_from_row(parse_row(message.value, self._max_bytes), received_at)


def ingest_loop(config: Config, instance: str) -> BatchLoop:
    """The process `ccit ingest`; `instance` names this one among several."""
    settings = kafka_settings(config)
    return BatchLoop(
        settings,
        "ingest",
        [Topics(settings.prefix).raw.name],
        IngestStep(config),
        commit_protocol(settings, f"ingest-{instance}"),
        limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000)),
    )

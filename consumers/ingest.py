"""raw -> records: every message becomes the records that a reader finds in it, or one dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from ccit.assembly.ingest import readers
from ccit.config import Config
from ccit.errors import InputError
from ccit.events import RecordReceived, encode
from ccit.ports.ingest import RawMessage
from ccit.records import Record
from consumers.connection import commit_protocol, kafka_settings
from consumers.content_type import content_type
from consumers.dead_letters import dead_letter
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics

_HEAD_BYTES = 64  # of a message, for a reader to tell its format by
_ENVELOPE_BYTES = 64 * 1024  # headers and framing of a record, on top of its value


class IngestStep:
    """Messages of `raw` in, records and dead letters out; keeps no state."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._topics = Topics(config.kafka.prefix)
        self._readers = readers(config)
        self._clock = clock

    def __call__(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        """The outputs of each message, in order."""
        return [output for message in messages for output in self._outputs(message)]

    def _outputs(self, message: KafkaMessage) -> list[Output]:
        """All of a message's records, or its one dead letter: nothing is read by half."""
        try:
            return [self._written(record) for record in self._read(message)]
        except InputError as error:
            return [dead_letter(message, error, "ingest", self._topics)]

    def _written(self, record: Record) -> Output:
        """The record as an event; numbers may be longer than they came (`1e9` is written as 1000000000.0)."""
        value, headers = encode(RecordReceived(record), at=self._clock(), source="ccit/ingest")
        most = self._topics.records.max_message_bytes - _ENVELOPE_BYTES
        if len(value) > most:
            raise InputError("too_large", f"expected a record of at most {most} bytes, found {len(value)}; split it")
        return Output(self._topics.records.name, record.subject.encode(), value, headers)

    def _read(self, message: KafkaMessage) -> Iterable[Record]:
        said, head = content_type(message), (message.value or b"")[:_HEAD_BYTES]
        received_at = message.timestamp_ms / 1000 if message.timestamp_ms >= 0 else self._clock()
        for reader in self._readers:
            if reader.accepts(said, head):
                return reader.records(RawMessage(said, message.value, received_at))
        raise InputError("unsupported_type", f"expected a type that a reader accepts, found content type {said[:80]!r}")


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

"""The outputs of one batch on their way into the log, and where each of them ended up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as ClientMessage

from consumers.kafka.clients import error_of
from consumers.kafka.messages import Delivered, Output

WRITE_TIMEOUT_S = 30.0
"""Room in the queue, then the acknowledgement of all (seconds): longer than the client's own limit for a message."""


NEVER_WRITABLE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_TIMESTAMP})
"""Refusals of one message that come again however often it is written."""


class Receipts:
    """The outputs of one batch and where each of them went."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = outputs
        self._positions: list[tuple[int, int] | None] = [None] * len(outputs)
        self._error: KafkaError | None = None
        self.refused: Output | None = None  # the one that `flush` speaks of

    def produce(self, client: Producer) -> None:
        """Hand every output to the client, waiting for room where its queue is full."""
        for index, output in enumerate(self._outputs):
            self._produce_one(client, output, self._receipt(index))

    def _produce_one(
        self, client: Producer, output: Output, receipt: Callable[[KafkaError | None, ClientMessage], None]
    ) -> None:
        deadline = time.monotonic() + WRITE_TIMEOUT_S
        while True:
            try:
                client.produce(  # a message above the client's own limit is refused here
                    output.topic,
                    value=output.value,
                    key=output.key,
                    partition=-1 if output.partition is None else output.partition,
                    headers=list(output.headers),
                    on_delivery=receipt,
                )
            except BufferError as full:
                if time.monotonic() > deadline:
                    raise KafkaException(KafkaError(KafkaError._QUEUE_FULL)) from full
                client.poll(0.1)
            except KafkaException as problem:
                self._error, self.refused = error_of(problem), output
                raise
            else:
                return

    def flush(self, client: Producer) -> None:
        """Wait until every output is in the log."""
        try:
            left = client.flush(WRITE_TIMEOUT_S)
        except SystemError:  # confluent-kafka 2.16 now and then, on a fatal error: "returned NULL without an exception"
            left = len(self._outputs)  # the receipts, or the abort that follows, tell the error
        if self._error is not None:
            raise KafkaException(self._error)
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{left} outputs were not written in time"))

    def all(self) -> tuple[Delivered, ...]:
        """One receipt per output, in order; only after a flush without error."""
        pairs = zip(self._outputs, self._positions, strict=True)
        return tuple(Delivered(output, *position) for output, position in pairs if position is not None)

    def _receipt(self, index: int) -> Callable[[KafkaError | None, ClientMessage], None]:
        def record(error: KafkaError | None, raw: ClientMessage) -> None:
            if error is not None:  # asked first: after a fatal error no method of `raw` may be called any more
                if self._error is None or error.code() in NEVER_WRITABLE:  # the rest of its batch may fail otherwise
                    self._error, self.refused = error, self._outputs[index]
                return
            partition, offset = raw.partition(), raw.offset()
            if partition is not None and offset is not None:
                self._positions[index] = (partition, offset)

        return record

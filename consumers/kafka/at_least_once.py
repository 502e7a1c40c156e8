"""At least once, for brokers without transactions: produce, flush, then commit the offsets.

A crash in between repeats the batch, so ids must come from content.
"""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, Producer

from ccit.failpoints import failpoint
from consumers.kafka.clients import KafkaSettings, error_of, producer
from consumers.kafka.commit import BatchAborted, require_writable, to_commit
from consumers.kafka.messages import Delivered, GroupOffset, Output
from consumers.kafka.receipts import Receipts


class AtLeastOnce:
    """Outputs first, then offsets: for brokers without transactions."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def open(self) -> None:
        """Make a producer."""
        self._producer = producer(self._settings)

    def commit(
        self,
        outputs: Sequence[Output],
        offsets: Sequence[GroupOffset],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        """Write the outputs, wait for them, then move the group; see `ExactlyOnce.commit`.

        Raises
        ------
        BatchAborted
            The offsets did not move; outputs may be there already and will be there again.
        """
        client = self._producer = self._producer or producer(self._settings)
        receipts = Receipts(outputs)
        try:
            receipts.produce(client)
            failpoint("commit.produced")
            receipts.flush(client)
            failpoint("commit.flushed")
            if offsets:
                consumer.commit(offsets=to_commit(offsets), asynchronous=False)
        except KafkaException as problem:
            error = error_of(problem)
            self._producer = None
            require_writable(error, receipts, self._settings.bootstrap_servers)
            raise BatchAborted(f"the batch is repeated because {error.str()}") from problem
        failpoint("commit.done")
        return receipts.all()

    def close(self) -> None:
        """Let go of the broker."""
        self._producer = None

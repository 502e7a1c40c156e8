"""Messages on their way to Kafka, and the report of each, handed back to the thread that owns the sockets."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ccit.ingest.mllp.answers import Outcome
from ccit.ingest.mllp.reception import Received, key_of
from consumers.kafka.clients import KafkaSettings, error_of, is_final, producer
from consumers.kafka.topics import Topics

logger = logging.getLogger("ccit.mllp")

CONTENT_TYPE = b"application/hl7-v2"
_POLL_S = 0.05
_FULL_S = 0.02  # until the client's queue is tried again


class Publisher:
    """Writes messages to `clinical` by an idempotent producer with `acks=all`.

    Parameters
    ----------
    on_final : Callable[[KafkaError], None]
        Told, in any thread, of an error after which this producer is of no use.
    """

    def __init__(self, settings: KafkaSettings, on_final: Callable[[KafkaError], None]) -> None:
        self._topic = Topics(settings.prefix).clinical.name
        self._producer: Producer = producer(settings)
        self._on_final = on_final
        self._ended = threading.Event()
        self._reports = threading.Thread(target=self._report, name="delivery-reports", daemon=True)
        self._reports.start()

    async def publish(self, message: Received, tell: Callable[[Outcome], None]) -> None:
        """Hand a message to the client; `tell` is called in this event loop once its fate is known.

        Returns later while the client's queue is full: whoever waits reads nothing more from his socket.
        """
        loop = asyncio.get_running_loop()
        headers: dict[str, str | bytes | None] = {"content-type": CONTENT_TYPE}

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._failed(error)
            loop.call_soon_threadsafe(tell, "stored" if error is None else "unavailable")

        key = key_of(message)
        while True:
            try:
                self._producer.produce(self._topic, message.value, key, headers=headers, on_delivery=delivered)
            except BufferError:
                await asyncio.sleep(_FULL_S)
            except KafkaException as problem:
                self._failed(error_of(problem))
                tell("unavailable")
                return
            else:
                return

    def close(self) -> None:
        """Let go of the broker; what has no report by now was not acknowledged."""
        self._ended.set()
        self._reports.join()
        self._producer.purge()

    def _report(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(_POLL_S)

    def _failed(self, error: KafkaError) -> None:
        logger.warning("a message could not be stored, and its sender is told so: %s", error.str())
        if is_final(error):
            self._on_final(error)

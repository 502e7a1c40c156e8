"""Files -> raw or clinical, with backpressure; what the broker has not confirmed counts as not sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException, Message

from ccit.errors import BrokerUnavailable
from consumers.kafka.clients import MAX_MESSAGE_BYTES, KafkaSettings, error_of, producer
from consumers.kafka.receipts import NEVER_WRITABLE
from consumers.kafka.topics import Topics

_FLUSH_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Raw:
    """One message for the topic, byte for byte."""

    key: bytes
    value: bytes
    content_type: str = "application/json"


class Feeder:
    """Writes to the raw topic, or to that of clinical messages.

    Parameters
    ----------
    on_confirmed : Callable[[int], None]
        Told the running number of messages that the broker has confirmed.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        on_confirmed: Callable[[int], None] = lambda _: None,
        topic: Literal["raw", "clinical"] = "raw",
    ) -> None:
        self._settings = settings
        self._producer = producer(settings)
        topics = Topics(settings.prefix)
        self._topic = topics.clinical.name if topic == "clinical" else topics.raw.name
        self._on_confirmed = on_confirmed
        self._error: KafkaError | None = None
        self.confirmed = 0

    def send(self, messages: Iterable[Raw], rate: float = 0.0) -> int:
        """Publish and wait for the broker; the number confirmed.

        Parameters
        ----------
        rate : float
            Messages per second, 0 for as fast as they are taken.

        Raises
        ------
        BrokerUnavailable
            Not everything was confirmed; the message says how much was.
        """
        before = self.confirmed
        sent = 0
        started = time.monotonic()
        for message in messages:
            self._produce(message)
            sent += 1
            if rate:
                self._producer.poll(max(0.0, started + sent / rate - time.monotonic()))
        left = self._producer.flush(_FLUSH_TIMEOUT_S)
        if left or self._error is not None:
            why = self._error.str() if self._error is not None else f"{left} messages were not confirmed in time"
            raise BrokerUnavailable(
                f"{self.confirmed - before} of {sent} messages reached {self._settings.bootstrap_servers}: {why}; "
                f"{self._advice()}; copies of records that were accepted are refused as such"
            )
        return self.confirmed - before

    def _advice(self) -> str:
        if self._error is not None and self._error.code() in NEVER_WRITABLE:
            return f"leave out what is too large (above {MAX_MESSAGE_BYTES} bytes for certain) and feed the rest again"
        return "feed the rest again"

    def _produce(self, message: Raw) -> None:
        headers: dict[str, str | bytes | None] = {"content-type": message.content_type}
        while True:
            try:
                self._producer.produce(
                    self._topic, value=message.value, key=message.key, headers=headers, on_delivery=self._delivered
                )
            except BufferError:  # the client's queue is full: let it drain, that is the backpressure
                self._producer.poll(0.1)
            except KafkaException as problem:  # above the client's own limit for a message
                self._failed(error_of(problem))
                return
            else:
                self._producer.poll(0)
                return

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed(error)
            return
        self.confirmed += 1
        self._on_confirmed(self.confirmed)

    def _failed(self, error: KafkaError) -> None:
        if self._error is None or error.code() in NEVER_WRITABLE:  # the rest of its batch may fail otherwise
            self._error = error

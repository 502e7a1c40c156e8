"""The records of a run: a pure function of their number, so that the truth is known without keeping it."""

from __future__ import annotations

import orjson
from confluent_kafka import KafkaError, Message, Producer

from ccit.ingest.rows import record_from_row, sample_from_record
from consumers.kafka.clients import KafkaSettings, producer_config
from consumers.kafka.topics import Topics

SOURCE = "ward"
_EVERY_POISON = 23  # one raw message in so many cannot be read: a dead letter
_EVERY_COPY = 17  # one in so many says what an earlier one said: rejected as an exact duplicate, if that was admitted
_COPY_DISTANCE = 170
_EVERY_AGAIN = 29  # with one in so many an earlier one is fed again, under its own id: it has one outcome more
_AGAIN_DISTANCE = 119
_REPORT_WITHIN_S = 10.0  # librdkafka looks for messages that are overdue once a second
_VOID = "this says nothing about what is tested: see why the brokers were away so long, and run it again"


def key_of(number: int) -> str:
    """The record id, which is the message's key all the way through."""
    return f"{SOURCE}:{number}"


def number_of(key: str) -> int:
    """The other way round; -1 for a key that was never fed."""
    source, _, number = key.partition(":")
    return int(number) if source == SOURCE and number.isdigit() else -1


def is_poison(number: int) -> bool:
    """Whether nobody can read the message."""
    return number % _EVERY_POISON == 0


def value_of(number: int) -> bytes:
    """The raw message: an instruction row, a copy of an earlier row under a new id, or poison."""
    if is_poison(number):
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


def fed_again_with(number: int) -> int | None:
    """The earlier record that is fed once more right after this one."""
    return number - _AGAIN_DISTANCE if number % _EVERY_AGAIN == 0 and number >= _AGAIN_DISTANCE else None


def times_fed(number: int, published: int) -> int:
    """How often a record is fed among the first so many."""
    return 1 + (number + _AGAIN_DISTANCE < published and fed_again_with(number + _AGAIN_DISTANCE) is not None)


def digest_of_content(number: int) -> str:
    """The content digest of what a record that is not poison says."""
    return sample_from_record(record_from_row(orjson.loads(value_of(number)), 0.0)).content_digest


class FeedFailed(Exception):
    """A record could not be published: the run is void, no law was broken."""


class Feed:
    """Publishes records 0, 1, 2, ... to `raw`, each as often as `times_fed` says: the producer is idempotent and is
    never killed.

    Parameters
    ----------
    timeout_s : float
        How long a record may wait for a broker. The product's 20 s are for clients that try again; here a record that
        is given up would be counted as lost, though nothing that is tested ever saw it. So the feed outwaits any
        bounce, and says so where it cannot.

    Raises
    ------
    FeedFailed
        By `up_to` or `flush`: a record was given up.
    """

    def __init__(self, settings: KafkaSettings, timeout_s: float = 300.0) -> None:
        self._producer = Producer(producer_config(settings) | {"message.timeout.ms": round(timeout_s * 1000)})
        self._topic = Topics(settings.prefix).raw.name
        self._timeout_s = timeout_s
        self._refused: list[str] = []
        self.published = 0  # records
        self.sent = 0  # messages: some records are fed again
        self.delivered = 0

    def up_to(self, total: int) -> None:
        """Publish until `total` records are on their way; `flush` waits for the broker."""
        while self.published < total:
            again = fed_again_with(self.published)
            for number in (self.published,) if again is None else (self.published, again):
                self._send(number)
            self.published += 1
        self._producer.poll(0)
        self._check()

    def flush(self) -> None:
        """Return once the broker has all of them."""
        self._producer.flush(self._timeout_s + _REPORT_WITHIN_S)
        self._check()
        if self.delivered != self.sent:
            raise FeedFailed(
                f"the broker took {self.delivered} of {self.sent} messages within {self._timeout_s:g} s; {_VOID}"
            )

    def _send(self, number: int) -> None:
        while True:
            try:
                self._producer.produce(
                    self._topic, value_of(number), key_of(number).encode(), on_delivery=self._reported
                )
            except BufferError:  # librdkafka holds 100,000
                self._producer.poll(1.0)
                self._check()
                continue
            self.sent += 1
            self._producer.poll(0)
            return

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
        else:
            self._refused.append(f"{(message.key() or b'').decode()}: {error.str()}")

    def _check(self) -> None:
        if self._refused:
            raise FeedFailed(
                f"{len(self._refused)} of {self.sent} messages never reached `raw` "
                f"(the first is {self._refused[0]}); {_VOID}"
            )

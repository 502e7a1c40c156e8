"""What is read, to be written, and was written: plain values, so that a step needs no broker to be tested.

Not everything in the log can be had from the client. What cannot is a `KafkaMessage` with a `ReadFault`: it stays in
the batch, so that it costs one dead letter in the transaction that moves past it, and no reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, NamedTuple

import confluent_kafka

Headers = tuple[tuple[str, bytes | None], ...]
"""Kafka's headers: ordered, names may repeat, values may be absent."""


PartitionId = tuple[str, int]
"""Topic and partition."""


class GroupOffset(NamedTuple):
    """Where a group continues in one partition."""

    topic: str
    partition: int
    offset: int


EXPIRED = "expired"
"""The reason of a fault: retention has deleted what was there."""


@dataclass(frozen=True, slots=True)
class ReadFault:
    """Why the client did not give a message whole.

    Parameters
    ----------
    reason : str
        One of `ccit.records.DEAD_LETTER_REASONS`.
    detail : str
        One sentence for a person.
    lost : str
        What is known of a value that is not there; empty where the value is.
    """

    reason: str
    detail: str
    lost: str = ""


@dataclass(frozen=True, slots=True)
class KafkaMessage:
    """One message as it was read.

    Parameters
    ----------
    timestamp_ms : int
        Milliseconds since 1970 as the producer or the broker set them; -1 when neither did.
    fault : ReadFault, optional
        What of it could not be had; what could is in the other fields.
    offset_count : int
        Offsets that it stands for, `offset` being the first: more than 1 for a batch that cannot be decompressed, and
        for messages that retention has deleted.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    timestamp_ms: int = -1
    fault: ReadFault | None = None
    offset_count: int = 1

    @property
    def next_offset(self) -> int:
        """Where its partition is read on after it."""
        return self.offset + self.offset_count

    @property
    def partition_id(self) -> PartitionId:
        """The partition it was in."""
        return self.topic, self.partition

    @property
    def size_bytes(self) -> int:
        """Payload held in memory: key, value and headers."""
        in_headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + in_headers

    def header(self, name: str) -> bytes | None:
        """The last value under a header's name, as Kafka's own clients read it.

        >>> KafkaMessage("t", 0, 7, None, b"{}", (("ce_id", b"a"), ("ce_id", b"b"))).header("ce_id")
        b'b'
        """
        return next((value for key, value in reversed(self.headers) if key == name), None)


@dataclass(frozen=True, slots=True)
class Output:
    """One message to be written.

    Parameters
    ----------
    partition : int or None
        `None` lets the key choose (murmur2, as the Java clients do). Topics of one partition pass 0: the embedded
        broker gives every topic four.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """An output and its position in the log."""

    output: Output
    partition: int
    offset: int


def received(raw: confluent_kafka.Message) -> KafkaMessage:
    """The plain value of a message that carries no error; one whose headers cannot be had has a fault, and no headers.

    Kafka's headers have text for names, but no broker checks that. The Python client decodes all of them at once, and
    raises where one name is not UTF-8: the others are lost with it.
    """
    topic, partition, offset = raw.topic(), raw.partition(), raw.offset()
    if topic is None or partition is None or offset is None:
        raise ValueError(f"a consumed message names its topic, partition and offset; this one has {raw!r}")
    fault: ReadFault | None = None
    headers: Headers = ()
    try:
        headers = _headers(raw)
    except (UnicodeDecodeError, SystemError):  # "returned a result with an exception set": confluent-kafka 2.16
        fault = _UNREADABLE_NAMES
    return KafkaMessage(topic, partition, offset, raw.key(), raw.value(), headers, raw.timestamp()[1], fault)


_UNREADABLE_NAMES = ReadFault(
    "wrong_schema",
    "expected header names in UTF-8, found one that is not; the client gives none of its headers, so all are left out",
)


asked_for_headers: Callable[[confluent_kafka.Message], Any] = methodcaller("headers")
"""`raw.headers()`, called from C, and once a message. confluent-kafka 2.16 raises for a name that it cannot decode, and
gives a list with holes all the same, which it keeps. C looks for that and lets the list go (`SystemError`); the
interpreter's fast path, which a call takes once it is hot, does not, and a look at a hole is a segmentation fault."""


def _headers(raw: confluent_kafka.Message) -> Headers:
    found = asked_for_headers(raw) or []
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)


def next_offsets(messages: Sequence[KafkaMessage]) -> list[GroupOffset]:
    """Where a group continues once these messages are done: the highest offset of each partition, plus one.

    >>> next_offsets([KafkaMessage("t", 0, 4, None, None), KafkaMessage("t", 0, 5, None, None)])
    [GroupOffset(topic='t', partition=0, offset=6)]
    """
    ends: dict[PartitionId, int] = {}
    for message in messages:
        ends[message.partition_id] = max(ends.get(message.partition_id, 0), message.next_offset)
    return [GroupOffset(topic, partition, offset) for (topic, partition), offset in sorted(ends.items())]

"""A broker in memory with the laws of Kafka that the guarantees rest on: for the state machine, and nothing else.

Transactions leave control markers that take offsets, aborted outputs take offsets and are never seen, whoever opens a
transactional id fences its older holder, and compaction keeps the last message of each key at its offset.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence

from ccit.errors import Fenced
from consumers.kafka.messages import Delivered, GroupOffset, Headers, KafkaMessage, Output


class MemoryLog:
    """Topics of a few partitions, the offsets of groups, and the epochs of transactional ids."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions  # of every topic
        self.offsets: dict[tuple[str, str, int], int] = {}  # group, topic, partition
        self._entries: dict[tuple[str, int], list[KafkaMessage | None]] = defaultdict(list)  # None: nobody sees it
        self._epochs: dict[str, int] = defaultdict(int)

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = (), partition: int | None = None
    ) -> GroupOffset:
        """One message without a transaction."""
        number = zlib.crc32(key or b"") % self.partitions if partition is None else partition
        entries = self._entries[topic, number]
        entries.append(KafkaMessage(topic, number, len(entries), key, value, headers, timestamp_ms=0))
        return GroupOffset(topic, number, len(entries) - 1)

    def open(self, transactional_id: str) -> int:
        """The epoch of the new holder; every older one is fenced."""
        self._epochs[transactional_id] += 1
        return self._epochs[transactional_id]

    def commit(
        self, writer: str, epoch: int, group: str, outputs: Sequence[Output], positions: Sequence[GroupOffset]
    ) -> list[Delivered]:
        """Outputs and offsets together, or `Fenced` and neither."""
        self._require_current(writer, epoch)
        delivered = self.write(outputs)
        self._mark(delivered)
        for place in positions:
            self.offsets[group, place.topic, place.partition] = place.offset
        return delivered

    def abort(self, outputs: Sequence[Output]) -> None:
        """Outputs that were flushed and never committed."""
        delivered = self.write(outputs)
        for place in delivered:
            self._entries[place.output.topic, place.partition][place.offset] = None
        self._mark(delivered)

    def write(self, outputs: Sequence[Output]) -> list[Delivered]:
        """Outputs alone, seen at once."""
        places = [self.append(o.topic, o.key, o.value, o.headers, o.partition) for o in outputs]
        return [Delivered(o, place.partition, place.offset) for o, place in zip(outputs, places, strict=True)]

    def committed(self, group: str, topic: str, partition: int) -> int:
        """Where a group continues."""
        return self.offsets.get((group, topic, partition), 0)

    def read(self, topic: str, partition: int, start: int = 0) -> list[KafkaMessage]:
        """What a read-committed reader sees of a partition from an offset on."""
        return [message for message in self._entries[topic, partition][start:] if message is not None]

    def all_of(self, topic: str) -> list[KafkaMessage]:
        """The same of every partition, one after another."""
        return [message for partition in range(self.partitions) for message in self.read(topic, partition)]

    def compacted(self, topic: str) -> list[KafkaMessage]:
        """What compaction leaves of partition 0."""
        last = {message.key: message.offset for message in self.read(topic, 0)}
        return [message for message in self.read(topic, 0) if last[message.key] == message.offset]

    def holds(self, writer: str, epoch: int) -> bool:
        """Whether this is the last holder of a transactional id."""
        return self._epochs[writer] == epoch

    def _require_current(self, writer: str, epoch: int) -> None:
        if not self.holds(writer, epoch):
            raise Fenced(f"{writer} was taken over")

    def _mark(self, delivered: Sequence[Delivered]) -> None:
        for topic, partition in sorted({(place.output.topic, place.partition) for place in delivered}):
            self._entries[topic, partition].append(None)

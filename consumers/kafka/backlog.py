"""What is still to be decided: lag and age, as Prometheus shows them.

The ends of the partitions are asked of the broker, about once a second, by a client of its own and without waiting for
the answer. The member itself hears of an end only with what it fetches: paused under a slow step, or with a full queue,
it hears nothing, and its lag would stand still while a burst arrives.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its stubs forget to re-export
    AdminClient,
    ListOffsetsResultInfo,
)

from consumers.kafka.clients import KafkaSettings, admin
from consumers.kafka.messages import KafkaMessage, PartitionId
from consumers.kafka.offsets import LATEST

_EVERY_S = 1.0
_ANSWER_S = 10.0  # an answer that takes longer is given up, and the question asked again


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be decided, as of the last look.

    Parameters
    ----------
    behind : Mapping[PartitionId, int]
        Messages not read yet per partition (control markers of transactions among them); 0 at the end. A partition
        whose end was not heard of yet is absent.
    oldest_ms : int or None
        Not younger than the oldest undecided message (milliseconds since 1970): the oldest in hand, or the last one
        read of a partition that has more. None when everything is decided.
    """

    behind: Mapping[PartitionId, int] = field(default_factory=dict)
    oldest_ms: int | None = None


class BacklogWatch:
    """Keeps `now` up to date once it is switched `on`; called in the thread of the loop, read by any.

    Parameters
    ----------
    settings : KafkaSettings
        Of the client that asks, which is made at the first look.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self.on = False
        self.now = Backlog()
        self._settings = settings
        self._admin: AdminClient | None = None
        self._asked: Mapping[TopicPartition, Future[ListOffsetsResultInfo]] = {}
        self._ends: dict[PartitionId, int] = {}
        self._reached: dict[PartitionId, int] = {}  # the next offset, of the partitions that are ours
        self._read_until: dict[PartitionId, int] = {}  # time (ms) of the last message read
        self._looked_at = 0.0

    def assigned(self, starts: Sequence[TopicPartition]) -> None:
        """Partitions came, to be read from these offsets on; a negative one is the beginning."""
        self._reached |= {(start.topic, start.partition): max(start.offset, 0) for start in starts}

    def revoked(self, partitions: Collection[PartitionId]) -> None:
        """Partitions are another member's now."""
        for partition in partitions:
            for known in (self._reached, self._read_until, self._ends):
                known.pop(partition, None)

    def read(self, message: KafkaMessage) -> None:
        """A message was read."""
        self._reached[message.partition_id] = message.next_offset
        if message.timestamp_ms >= 0:  # what cannot be had has none
            self._read_until[message.partition_id] = message.timestamp_ms

    def ended(self, partition: PartitionId, offset: int) -> None:
        """Everything before this offset was read: control markers leave the last message short of the end."""
        if partition in self._reached:
            self._reached[partition] = max(self._reached[partition], offset)

    def look(self, undecided: Iterable[KafkaMessage]) -> None:
        """Take in what the broker has answered, and ask again; about once a second, and only while `on`."""
        if not self.on or time.monotonic() - self._looked_at < _EVERY_S:
            return
        self._looked_at = time.monotonic()
        self._hear()
        behind = {one: max(self._ends[one] - at, 0) for one, at in self._reached.items() if one in self._ends}
        times = [self._read_until[one] for one, count in behind.items() if count and one in self._read_until]
        times += [message.timestamp_ms for message in undecided if message.timestamp_ms >= 0]
        self.now = Backlog(behind, min(times, default=None))

    def _hear(self) -> None:
        if not all(answer.done() for answer in self._asked.values()):
            return
        for where, answer in self._asked.items():
            partition = (where.topic, where.partition)
            if partition in self._reached and answer.exception() is None:
                self._ends[partition] = answer.result().offset
        self._asked = {}
        if self._reached:
            self._admin = self._admin or admin(self._settings)
            self._asked = self._admin.list_offsets(
                {TopicPartition(*partition): LATEST for partition in self._reached},
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=_ANSWER_S,
            )

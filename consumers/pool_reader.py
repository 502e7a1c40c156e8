"""How the trainer reads its pool from the samples topic, and where in each partition the pool begins.

The topic is the pool. Offsets stay uncommitted until the round that used them has its outcome, so whoever is assigned
a partition, after a crash or when it comes back, reads again what no round has used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ccit.errors import BrokerUnavailable
from ccit.events import SampleAdmitted
from ccit.pool import Pool
from ccit.records import OffsetRange, Pooled, Position
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import require_topic
from consumers.kafka.intake import Intake, PartitionEnd
from consumers.kafka.messages import EXPIRED, KafkaMessage
from consumers.kafka.offsets import start_offsets
from consumers.kafka.topics import Topic
from consumers.reading import event_in

logger = logging.getLogger("ccit.train")

_POLL_S = 0.2


class PoolReader:
    """Reads the pool of one member of the group.

    Parameters
    ----------
    settings : KafkaSettings
        Of the member.
    topic : Topic
        The samples topic.
    most : int
        Samples held in memory; beyond it the partitions are paused.
    """

    def __init__(self, settings: KafkaSettings, topic: Topic, most: int) -> None:
        self.pool = Pool()
        self.expired = 0  # offsets that retention has deleted before a round could use them
        self.start: dict[int, int] = {}  # partition -> first offset that no finished round has used
        self._settings = settings
        self._intake = Intake(settings, topic.name, self._unreadable)
        self._topic = topic
        self._most = most
        self._partitions: frozenset[int] = frozenset()
        self._at_end: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether all that waited when the partitions came has been read, in every partition of the topic."""
        return self._at_end >= self._partitions

    def begin(self, consumer: Consumer) -> None:
        """Ask how many partitions there are. Raises `BrokerUnavailable`."""
        self._partitions = frozenset(require_topic(consumer, self._settings, self._topic.name))

    def read(self, consumer: Consumer, *, unbounded: bool) -> list[Pooled]:
        """Take in what has come, and return it.

        Parameters
        ----------
        unbounded : bool
            Read on when the pool is full: a round is waited for, and what fills the pool may lie beside its ranges.

        Raises
        ------
        BrokerUnavailable
            The broker refused this member for good.
        """
        full = len(self.pool) >= self._most and not unbounded
        (consumer.pause if full else consumer.resume)(consumer.assignment())
        messages = []
        for raw in consumer.consume(1000, _POLL_S):
            found = self._intake.sort(raw, consumer)
            if isinstance(found, PartitionEnd):
                self._at_end.add(found.partition_id[1])
            elif found is not None and found.fault is None:
                messages.append(found)
            elif found is not None:
                self._skip(found)
        ours = {place.partition for place in consumer.assignment()}  # some may have gone while they were handed over
        came = pooled_in(message for message in messages if message.partition in ours)
        for pooled in came:
            self.pool.add(pooled)
        return came

    def _skip(self, message: KafkaMessage) -> None:
        """ccit writes nothing that cannot be read: it is nobody's sample, or retention has deleted samples."""
        logger.warning(
            "skipped %s[%d]@%d: %s", *message.partition_id, message.offset, message.fault and message.fault.detail
        )
        if message.fault is not None and message.fault.reason == EXPIRED:
            self.expired += message.offset_count

    def read_past(self, ranges: Sequence[OffsetRange], consumer: Consumer) -> bool:
        """Whether everything that these ranges hold has been read; at its end a partition has nothing more to give."""
        places = [TopicPartition(self._topic.name, r.partition) for r in ranges]
        reached = {place.partition: place.offset for place in consumer.position(places)}
        return all(reached[r.partition] >= r.end or r.partition in self._at_end for r in ranges)

    def used(self, ranges: Iterable[OffsetRange]) -> list[Pooled]:
        """A round over these has its outcome: its samples leave the pool, and are returned."""
        taken = list(ranges)
        self.start.update({r.partition: r.end for r in taken})
        gone = self.pool.within(taken)
        self.pool.remove(gone)
        return gone

    def assigned(
        self,
        consumer: Consumer,
        partitions: Sequence[TopicPartition],
        used_up_to: Mapping[int, int],
        stopped: Callable[[], bool],
    ) -> None:
        """Partitions come: read them from what no round has used.

        Parameters
        ----------
        used_up_to : Mapping[int, int]
            What the rounds topic says of that. It outlives the group's offsets, which a broker forgets a week after the
            last member has left; at least once, it is also ahead of them when a trainer died between the two.
        """
        starts = start_offsets(consumer, partitions, stopped)
        if starts is None:
            return
        for place in starts:
            used = used_up_to.get(place.partition, 0)
            if used > max(place.offset, 0):
                logger.warning("%s[%d]: rounds have used it up to %d", place.topic, place.partition, used)
                place.offset = used
            self.start[place.partition] = max(place.offset, 0)
            self._at_end.discard(place.partition)
        self._partitions |= {place.partition for place in starts}  # the topic may have grown since
        consumer.incremental_assign(starts)

    def revoked(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Partitions go: another trainer reads them now."""
        gone = {p.partition for p in partitions}
        self._at_end -= gone
        self.pool.drop_partitions(gone)
        consumer.incremental_unassign(list(partitions))

    def _unreadable(self, error: KafkaError) -> BrokerUnavailable:
        return BrokerUnavailable(
            f"the trainer should be a member of its group and read {self._topic.name}, but {error.str()}; check the "
            "broker and what it allows, then start again, nothing is lost"
        )


def pooled_in(messages: Iterable[KafkaMessage]) -> list[Pooled]:
    """The admitted samples in these messages; what cannot be read is logged and left out."""
    found = []
    for message in messages:
        event = event_in(message)
        if isinstance(event, SampleAdmitted):
            at = message.timestamp_ms / 1000
            place = Position(message.partition, message.offset)
            found.append(Pooled(event.decision.sample, place, at, event.decision))
    return found

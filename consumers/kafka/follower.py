"""Reads a topic from its beginning (or from given offsets) to its end, and then follows it. No group, no commits.

The end is where the broker says so (`_PARTITION_EOF`). Offsets cannot tell: transactions leave control markers that
take offsets and are never delivered, so "last offset + 1 == high watermark" may never come true.

A topic may be given more partitions while it is followed: the broker is asked now and then, and what is new is read
from its beginning. A client that nobody answers any more is replaced (`_LOOKS_UNANSWERED`).

A message that the client cannot give whole is logged and skipped: ccit writes none on the topics that are followed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from ccit.errors import BrokerUnavailable, CcitError
from consumers.kafka.clients import KafkaSettings, admin, error_of, is_final, reader
from consumers.kafka.closing import Closing
from consumers.kafka.deadlines import DeadlineExceeded, within
from consumers.kafka.intake import Intake, PartitionEnd
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.offsets import LATEST
from consumers.kafka.topics import Topic

logger = logging.getLogger("ccit.kafka")

_MOST_PER_POLL = 1000
_METADATA_TIMEOUT_S = 10.0
_ASK_AGAIN_S = 0.2
_NEWS_TRAVELS_S = 3.0  # milliseconds on a quiet cluster; seen longer with three brokers on two busy cores
_LOOK_S = 5.0  # between two questions for the partitions; writers learn of new ones within 5 minutes by themselves
_LOOK_TIMEOUT_S = 1.0  # usually milliseconds; whoever follows is not to stand still for a broker that is away
_CREATION_S = 5.0  # a topic that was just created is not known to every broker yet
_LOOKS_UNANSWERED = 2
"""In a row, and the client is replaced. A broker that comes back from a pause, or has just started, may name the topic
and no broker at all. librdkafka then forgets every broker, and goes back to its bootstrap servers only when the last
message that it had fetched from them has been read, if at all (its issue 5301, open in 2.16). Seen after a pause of
4 s: 8 of 8 readers that had much left to read had no broker for 150 to 240 s."""
_MOST_LOOKS_UNANSWERED = 64  # each client waits twice as long as the one before: a broker may be away for hours
_CLOSE_S = 1.0  # a client without a broker may take its time; nobody waits for it


class Follower(Closing):
    """A reader that knows whether it has seen everything there was.

    Parameters
    ----------
    topic : Topic
        With one partition, order is that of the log; with several, that of each partition.
    start : Mapping[int, int], optional
        Offset to begin at per partition (from a snapshot); the beginning where absent.

    Raises
    ------
    BrokerUnavailable
        When the topic cannot be read.
    """

    def __init__(self, settings: KafkaSettings, topic: Topic, start: Mapping[int, int] | None = None) -> None:
        self.topic = topic
        self._settings = settings
        self._consumer = self._client()
        begin = start or {}
        self._next = {number: begin.get(number, OFFSET_BEGINNING) for number in self._partitions()}
        self._ends: dict[int, int] = {}  # partition -> where the broker said that it ends, as of the last `to_end`
        self._begun = False
        self._looked_at = time.monotonic()
        self._unanswered = 0  # looks in a row
        self._patience = _LOOKS_UNANSWERED
        self._intake = Intake(settings, topic.name, self._unreadable)

    @property
    def caught_up(self) -> bool:
        """True once the end of every partition has been seen; stays true while following, until partitions come."""
        return self._ends.keys() == self._next.keys()

    @property
    def positions(self) -> dict[int, int]:
        """Next offset to read per partition, to be kept in a snapshot; absent where nothing was read."""
        return {number: at for number, at in self._next.items() if at >= 0}

    def catch_up(self, timeout_s: float = 60.0) -> list[KafkaMessage]:
        """Everything up to the end; see `to_end`."""
        return [message for batch in self.to_end(timeout_s) for message in batch]

    def to_end(self, timeout_s: float = 60.0, *, settled: bool = False) -> Iterator[list[KafkaMessage]]:
        """Batches up to where the end is now, for topics that do not fit in memory; may be called again later.

        Parameters
        ----------
        timeout_s : float
            Longest silence (seconds): a long topic may take longer as a whole.
        settled : bool
            Read-committed readers are shown nothing behind a transaction that is open, even what was committed there.
            True waits for those that are open now, for less than 30 s: a dead writer's is ended by the broker then.

        Raises
        ------
        BrokerUnavailable
            When nothing came for that long and the end was not seen.
        """
        self._look()
        written = self._written(timeout_s) if settled else {}
        self._begin()  # an end that was heard of before may have moved since
        heard_at = time.monotonic()
        asked = False
        while not (self.caught_up and all(self._ends[number] >= end for number, end in written.items())):
            ends_before = dict(self._ends)
            batch = self.poll(0.1)
            if batch:
                yield batch
            silent_s = time.monotonic() - heard_at
            if batch or self._ends != ends_before:
                heard_at = time.monotonic()
            elif silent_s > _CREATION_S and not asked:
                asked = True
                self._require_there()
            elif silent_s > timeout_s:
                raise BrokerUnavailable(
                    f"topic {self.topic.name} should be readable to its end, but nothing came for {timeout_s:g} s from "
                    f"{self._settings.bootstrap_servers}; check the broker and that the topic exists"
                )

    def poll(self, timeout_s: float = 0.0) -> list[KafkaMessage]:
        """What has come, waiting up to `timeout_s` seconds for the first; possibly nothing.

        Where it raises, nothing was read: `positions` stay, and what came before the error comes again.
        """
        if time.monotonic() - self._looked_at > _LOOK_S:
            self._look()
        if not self._begun:
            self._begin()
        messages: list[KafkaMessage] = []
        try:
            self._take(1 if timeout_s else _MOST_PER_POLL, timeout_s, messages)
            if messages and timeout_s:
                self._take(_MOST_PER_POLL, 0.0, messages)
        except CcitError:
            self._begun = False
            raise
        self._next |= {message.partition: message.next_offset for message in messages}
        return [message for message in messages if message.fault is None]

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _begin(self) -> None:
        """Read on from where we are; the broker tells the ends anew."""
        self._begun = True
        self._ends.clear()
        self._consumer.assign([TopicPartition(self.topic.name, number, at) for number, at in self._next.items()])

    def _look(self) -> None:
        """Ask for the partitions: those that are new are taken up, and a client without an answer is replaced."""
        self._looked_at = time.monotonic()
        try:
            found = self._consumer.list_topics(self.topic.name, timeout=_LOOK_TIMEOUT_S).topics[self.topic.name]
        except KafkaException as problem:  # the broker is away for a moment; whoever reads on hears of it
            logger.info("the partitions of %s are asked for again: %s", self.topic.name, error_of(problem).str())
            self._unanswered += 1
            if self._unanswered >= self._patience:
                self._replace_client()
            return
        self._heard()
        if self.topic.partition is None and found.error is None:
            self._take_up(sorted(found.partitions.keys() - self._next.keys()))

    def _heard(self) -> None:
        """A broker has answered this client."""
        self._unanswered, self._patience = 0, _LOOKS_UNANSWERED

    def _replace_client(self) -> None:
        """Read on where we are, by a client that knows its bootstrap servers and nothing else."""
        before, self._consumer = self._consumer, self._client()
        self._unanswered, self._patience = 0, min(2 * self._patience, _MOST_LOOKS_UNANSWERED)
        self._begun = False
        with suppress(DeadlineExceeded, KafkaException):
            within(_CLOSE_S, before.close)

    def _client(self) -> Consumer:
        return reader(self._settings, f"{self._settings.prefix}follower", mark_ends=True)

    def _take_up(self, new: list[int]) -> None:
        if new:
            logger.info("%s has %d partitions more, read from their beginning", self.topic.name, len(new))
            self._next |= dict.fromkeys(new, OFFSET_BEGINNING)
            if self._begun:
                self._consumer.incremental_assign([TopicPartition(self.topic.name, n, OFFSET_BEGINNING) for n in new])

    def _written(self, timeout_s: float) -> dict[int, int]:
        """Where each partition ends for its writers, open transactions included; asked again while a broker is away."""
        client = admin(self._settings)  # held until it has answered: one that is let go never does
        ends = {TopicPartition(self.topic.name, number): LATEST for number in self._next}
        deadline = time.monotonic() + timeout_s
        while True:
            asked = client.list_offsets(
                ends, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_METADATA_TIMEOUT_S
            )
            try:
                return {where.partition: answer.result().offset for where, answer in asked.items()}
            except KafkaException as problem:
                error = error_of(problem)
                if time.monotonic() > deadline or is_final(error):
                    raise self._unreadable(error) from problem
                logger.warning("the end of %s: %s", self.topic.name, error.str())
                time.sleep(_ASK_AGAIN_S)

    def _partitions(self) -> list[int]:
        if self.topic.partition is not None:
            return [self.topic.partition]
        return require_topic(self._consumer, self._settings, self.topic.name)

    def _take(self, most: int, timeout_s: float, messages: list[KafkaMessage]) -> None:
        for raw in self._consumer.consume(most, timeout_s):
            found = self._intake.sort(raw, self._consumer)
            if isinstance(found, PartitionEnd):
                self._heard()
                self._ends[found.partition_id[1]] = found.offset
            elif found is not None:
                messages.append(found)
                if found.fault is not None:
                    logger.warning(
                        "skipped %s[%d]@%d: %s", found.topic, found.partition, found.offset, found.fault.detail
                    )

    def _require_there(self) -> None:
        """The client says in the background alone that a topic is unknown; so the broker is asked."""
        try:
            found = self._consumer.list_topics(self.topic.name, timeout=_METADATA_TIMEOUT_S).topics[self.topic.name]
        except KafkaException as problem:
            logger.warning("following %s: %s", self.topic.name, error_of(problem).str())
            return
        if found.error is not None:
            raise self._unreadable(found.error)

    def _unreadable(self, error: KafkaError) -> BrokerUnavailable:
        return unreadable(self._settings, self.topic.name, error)


def require_topic(
    client: Consumer | Producer, settings: KafkaSettings, name: str, timeout_s: float = _METADATA_TIMEOUT_S
) -> list[int]:
    """The partitions of a topic; raises `BrokerUnavailable` where there is no such topic, or none may be seen.

    A topic that is unknown is asked for again for a while: of several brokers, one may hear of a new topic later than
    the one that said it was made.
    """
    deadline = time.monotonic() + _NEWS_TRAVELS_S
    while True:
        try:
            found = client.list_topics(name, timeout=timeout_s).topics[name]
        except KafkaException as problem:
            raise unreadable(settings, name, error_of(problem)) from problem
        if found.error is None:
            return sorted(found.partitions)
        if found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART or time.monotonic() > deadline:
            raise unreadable(settings, name, found.error)
        time.sleep(_ASK_AGAIN_S)


def unreadable(settings: KafkaSettings, name: str, error: KafkaError) -> BrokerUnavailable:
    """What an operator does about a topic that is not there, or may not be seen."""
    return BrokerUnavailable(
        f"topic {name} should be readable at {settings.bootstrap_servers}, but {error.str()}; "
        "create the topics (`ccit up` does) or correct kafka.bootstrap_servers and kafka.prefix"
    )

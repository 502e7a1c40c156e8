"""What the trainer's own classes ask of Kafka, over a `MemoryLog`: a member of the group, followers, a commit protocol.

So the state machine drives the real `TrainConsumer`, turn by turn, and whatever is wrong in it breaks a law.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, Literal, Self
from unittest.mock import patch

from confluent_kafka import KafkaError, TopicPartition

from consumers.kafka.commit import BatchAborted
from consumers.kafka.messages import Delivered, GroupOffset, KafkaMessage, Output
from consumers.kafka.topics import Topic
from tests.property.memory_log import MemoryLog

_NONE = -1001  # librdkafka's OFFSET_INVALID: nothing was committed, nothing was read


class Died(Exception):
    """A process that ends where it stands."""


class Raw:
    """A message as the client hands it over, or the end of a partition."""

    def __init__(self, message: KafkaMessage, error: KafkaError | None = None) -> None:
        self._message, self._error = message, error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return self._message.topic

    def partition(self) -> int:
        return self._message.partition

    def offset(self) -> int:
        return self._message.offset

    def key(self) -> bytes | None:
        return self._message.key

    def value(self) -> bytes | None:
        return self._message.value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return list(self._message.headers)

    def timestamp(self) -> tuple[int, int]:
        return (1, self._message.timestamp_ms)


class MemoryMember:
    """In the place of the trainer's `Consumer`; which partitions it has is for the state machine to say."""

    def __init__(self, log: MemoryLog, group: str, topic: str) -> None:
        self.allowance = 0  # messages that the next `consume` gives of each partition
        self._log, self._group, self._topic = log, group, topic
        self._next: dict[int, int] = {}
        self._paused: set[int] = set()

    def list_topics(self, *_: Any, **__: Any) -> Any:
        partitions = dict.fromkeys(range(self._log.partitions))
        return SimpleNamespace(topics={self._topic: SimpleNamespace(partitions=partitions, error=None)})

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in self._next]

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        self._next.update({place.partition: max(place.offset, 0) for place in places})

    def incremental_unassign(self, places: Sequence[TopicPartition]) -> None:
        for place in places:
            self._next.pop(place.partition, None)

    def pause(self, places: Sequence[TopicPartition]) -> None:
        self._paused |= {place.partition for place in places}

    def resume(self, places: Sequence[TopicPartition]) -> None:
        self._paused -= {place.partition for place in places}

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self._next.get(p.partition, _NONE)) for p in places]

    def committed(self, places: Sequence[TopicPartition], **_: Any) -> list[TopicPartition]:
        offsets = self._log.offsets
        return [
            TopicPartition(p.topic, p.partition, offsets.get((self._group, p.topic, p.partition), _NONE))
            for p in places
        ]

    def consume(self, *_: Any) -> list[Raw]:
        found: list[Raw] = []
        for partition in sorted(self._next.keys() - self._paused):
            waiting = self._log.read(self._topic, partition, self._next[partition])
            found += [Raw(message) for message in waiting[: self.allowance]]
            if waiting and self.allowance:
                self._next[partition] = waiting[: self.allowance][-1].next_offset
            if len(waiting) <= self.allowance:  # the end is where the broker says so
                end = KafkaMessage(self._topic, partition, self._next[partition], None, None)
                found.append(Raw(end, KafkaError(KafkaError._PARTITION_EOF)))
        return found


class MemoryFollower:
    """In the place of a `Follower`."""

    def __init__(self, log: MemoryLog, topic: Topic) -> None:
        self._log, self._topic = log, topic
        self._next = dict.fromkeys(range(log.partitions), 0)

    def to_end(self, *_: Any, **__: Any) -> Iterator[list[KafkaMessage]]:
        yield self.poll()

    def poll(self, *_: Any) -> list[KafkaMessage]:
        found = []
        for partition, start in self._next.items():
            fresh = self._log.read(self._topic.name, partition, start)
            found += fresh
            self._next[partition] = fresh[-1].next_offset if fresh else start
        return found

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class MemoryCommit:
    """In the place of a `CommitProtocol`; the next commit fails, or its process dies in it, when told to."""

    def __init__(self, log: MemoryLog, *, exactly_once: bool) -> None:
        self.trouble: Literal["", "aborted", "dies"] = ""
        self._log, self._exactly_once = log, exactly_once
        self._epoch = 0

    @property
    def current(self) -> bool:
        """Whether it holds the transactional id."""
        return self._log.holds("train", self._epoch)

    def open(self) -> None:
        self._epoch = self._log.open("train")

    def commit(
        self, outputs: Sequence[Output], positions: Sequence[GroupOffset], consumer: object, membership: object = None
    ) -> tuple[Delivered, ...]:
        trouble, self.trouble = self.trouble, ""
        if trouble and (trouble == "aborted" or self._exactly_once):
            self._log.abort(outputs)
        elif trouble:  # outputs first, then offsets: it dies in between
            self._log.write(outputs)
        if trouble == "aborted":
            raise BatchAborted("as the state machine said")
        if trouble == "dies":
            raise Died
        return tuple(self._log.commit("train", self._epoch, "ccit.train", outputs, positions))

    def close(self) -> None: ...


class Silent:
    """In the place of a `Reporter`."""

    def report(self, *_: Any, **__: Any) -> None: ...

    def repeat(self) -> None: ...


def seams(log: MemoryLog, job: type, *, exactly_once: bool) -> ExitStack:
    """The trainer's classes on this log until the stack is closed; rounds are made by jobs of this class."""
    stack = ExitStack()
    for module in ("round_log", "commands", "rounds", "versions"):
        stack.enter_context(patch(f"consumers.{module}.Follower", lambda _, topic: MemoryFollower(log, topic)))
    stack.enter_context(
        patch("consumers.train.commit_protocol", lambda *_, **__: MemoryCommit(log, exactly_once=exactly_once))
    )
    stack.enter_context(patch("consumers.train.Reporter", lambda *_: Silent()))
    stack.enter_context(patch("consumers.rounds.RoundJob", job))
    return stack

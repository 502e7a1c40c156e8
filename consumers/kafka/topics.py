"""The topic table of DESIGN.md, and how the topics come into being.

A real broker is asked to create what is missing, with partitions and policies; what is already there is left as it is
and checked. The embedded broker cannot create: a topic appears when its metadata is asked for, always with four
partitions. So a topic that must keep one order has `partition == 0`, and everyone writes to it and reads it there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its stubs forget to re-export
    AdminClient,
    NewTopic,
)

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.clients import MAX_MESSAGE_BYTES, KafkaSettings, admin, error_of, producer, require_broker
from consumers.kafka.topic_settings import require_settings

logger = logging.getLogger("ccit.kafka")

_DAY_MS = 24 * 60 * 60 * 1000
_WEEK_MS = 7 * _DAY_MS
_QUARTER_MS = 90 * _DAY_MS
"""Far longer than the longest round: the samples topic is the pool, and what it drops is lost to training."""
_FOR_EVER_MS = -1
_INCOMING_BYTES = 12 * 1024 * 1024
_SMALL_BYTES = 1_000_000  # commands and reports have some hundred bytes; Kafka's default limit is 1,048,588
_REQUEST_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it should be.

    Parameters
    ----------
    name : str
        With its prefix.
    max_message_bytes : int
        Largest message the broker takes (bytes): less for what comes in, so that its dead letter fits with its headers.
    retention_ms : int
        Milliseconds until a message of a `delete` topic may go; -1 keeps all.
    written : bool
        By ccit itself: it then cannot work with less than this.
    audit : bool
        What is gone from it cannot be verified any more.
    """

    name: str
    partitions: int
    policy: Literal["delete", "compact"] = "delete"
    retention_ms: int = _WEEK_MS
    max_message_bytes: int = MAX_MESSAGE_BYTES
    written: bool = True
    audit: bool = False

    @property
    def partition(self) -> int | None:
        """0 where all messages share one order, else `None`: the key chooses."""
        return 0 if self.partitions == 1 else None

    @property
    def config(self) -> dict[str, str]:
        """What the broker is told when it creates the topic."""
        config = {"cleanup.policy": self.policy, "max.message.bytes": str(self.max_message_bytes)}
        if self.policy == "compact":
            return config
        for_ever = {"retention.bytes": "-1"} if self.retention_ms < 0 else {}  # a broker may limit all its topics
        return config | {"retention.ms": str(self.retention_ms)} | for_ever


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one system.

    >>> topics = Topics("ccit.")
    >>> topics.model_versions.name, topics.model_versions.partition, topics.samples.partition
    ('ccit.model-versions', 0, None)
    """

    prefix: str = "ccit."

    @property
    def raw(self) -> Topic:
        """What the hospital's interface engine sends, byte for byte."""
        return Topic(f"{self.prefix}raw", 6, max_message_bytes=_INCOMING_BYTES, written=False)

    @property
    def records(self) -> Topic:
        """One record to be scored per message, keyed by pseudonymous subject."""
        return Topic(f"{self.prefix}records", 6, max_message_bytes=_INCOMING_BYTES)

    @property
    def samples(self) -> Topic:
        """Accepted samples: the pool."""
        return Topic(f"{self.prefix}samples", 4, retention_ms=_QUARTER_MS)

    @property
    def rejects(self) -> Topic:
        """Refused samples with their content, scores and reason."""
        return Topic(f"{self.prefix}rejects", 4, retention_ms=_QUARTER_MS)

    @property
    def dead_letters(self) -> Topic:
        """Messages that could not be read, with their original bytes."""
        return Topic(f"{self.prefix}dead-letters", 1, retention_ms=_QUARTER_MS)

    @property
    def rounds(self) -> Topic:
        """The audit line: what was planned, trained and judged."""
        return Topic(f"{self.prefix}rounds", 1, retention_ms=_FOR_EVER_MS, audit=True)

    @property
    def model_versions(self) -> Topic:
        """Announcements; the current one per alias and each by number."""
        return Topic(f"{self.prefix}model-versions", 1, "compact")

    @property
    def replica_status(self) -> Topic:
        """What each replica loaded, made active or refused."""
        return Topic(f"{self.prefix}replica-status", 1, "compact", max_message_bytes=_SMALL_BYTES)

    @property
    def commands(self) -> Topic:
        """What operators ask for; kept for ever, because a `hold` holds until a `resume`."""
        return Topic(f"{self.prefix}commands", 1, retention_ms=_FOR_EVER_MS, max_message_bytes=_SMALL_BYTES)

    def __iter__(self) -> Iterator[Topic]:
        """All of them, along the flow."""
        yield from (self.raw, self.records, self.samples, self.rejects, self.dead_letters)
        yield from (self.rounds, self.model_versions, self.replica_status, self.commands)


def create_topics(
    settings: KafkaSettings, topics: Iterable[Topic] | None = None, replication: int = 1
) -> tuple[str, ...]:
    """Make the topics exist; what is already there stays as it is, so this can be run at every start.

    Parameters
    ----------
    topics : iterable of Topic, optional
        Default: all of `Topics(settings.prefix)`.
    replication : int
        Copies of each partition: 1 on one broker, 3 in production.

    Returns
    -------
    tuple of str
        Names created now; on the embedded broker, where this cannot be known, all of them.

    Raises
    ------
    ConfigError
        When a topic exists that cannot work: several partitions where there must be one order, another policy, a limit
        below what ccit writes there, an audit line that forgets.
    BrokerUnavailable
        When no broker answers, or a topic is refused.
    """
    wanted = tuple(Topics(settings.prefix) if topics is None else topics)
    client = admin(settings)
    if _without_administration(settings, client):
        return _appear(settings, wanted)
    asked = [NewTopic(t.name, t.partitions, replication, config=t.config) for t in wanted]
    answers = client.create_topics(asked, request_timeout=_REQUEST_TIMEOUT_S)
    errors = {name: _error(answer) for name, answer in answers.items()}
    for name, error in errors.items():
        if error and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise BrokerUnavailable(
                f"topic {name} should be created at {settings.bootstrap_servers}, but {error.str()}; "
                "let ccit create it, or make it there and set kafka.create_topics = false"
            )
    partitions = _await_leaders(client, wanted)
    existing = [topic for topic in wanted if errors[topic.name]]
    _check_partitions(existing, partitions)
    require_settings(client, existing, settings.bootstrap_servers)
    return tuple(name for name, error in errors.items() if error is None)


def check_topics(settings: KafkaSettings) -> None:
    """Look at the topics that are there and that this process may see, where somebody else makes them.

    For `kafka.create_topics = false`; raises as `create_topics` does.
    """
    client = admin(settings)
    if _without_administration(settings, client):
        return
    found = client.list_topics(timeout=_REQUEST_TIMEOUT_S).topics
    there = [topic for topic in Topics(settings.prefix) if topic.name in found and found[topic.name].error is None]
    _check_partitions(there, {topic.name: len(found[topic.name].partitions) for topic in there})
    require_settings(client, there, settings.bootstrap_servers)


def _without_administration(settings: KafkaSettings, client: AdminClient) -> bool:
    """Whether this is the embedded broker: no transactions, and no controller to ask (a request would time out)."""
    require_broker(settings)
    cluster = client.list_topics(timeout=_REQUEST_TIMEOUT_S)
    return not settings.transactions and cluster.controller_id not in cluster.brokers


def _error(answer: Future[None]) -> KafkaError | None:
    try:
        answer.result()
    except KafkaException as problem:
        return error_of(problem)
    return None


def _appear(settings: KafkaSettings, topics: tuple[Topic, ...]) -> tuple[str, ...]:
    """Ask a broker without administration for each topic's metadata, which creates it."""
    client = producer(settings)
    for topic in topics:
        client.list_topics(topic.name, timeout=_REQUEST_TIMEOUT_S)
    return tuple(topic.name for topic in topics)


def _await_leaders(client: AdminClient, topics: tuple[Topic, ...]) -> dict[str, int]:
    """Partitions per topic, once each has a leader: a topic is created before all brokers know of it."""
    deadline = time.monotonic() + _REQUEST_TIMEOUT_S
    while True:
        found = client.list_topics(timeout=_REQUEST_TIMEOUT_S).topics
        led = {t.name: [p.leader >= 0 for p in found[t.name].partitions.values()] for t in topics if t.name in found}
        missing = [topic.name for topic in topics if not led.get(topic.name) or not all(led[topic.name])]
        if not missing:
            return {name: len(leaders) for name, leaders in led.items()}
        if time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"each partition of {', '.join(missing)} should have a leader within {_REQUEST_TIMEOUT_S:g} s, but has "
                "none; check that all brokers run"
            )
        time.sleep(0.05)


def _check_partitions(topics: Iterable[Topic], partitions: dict[str, int]) -> None:
    for topic in topics:
        found = partitions[topic.name]
        if topic.partitions == 1 and found != 1:
            raise ConfigError(
                f"topic {topic.name} must have 1 partition, for its messages share one order, but has {found}; "
                "delete it or choose another prefix (kafka.prefix)"
            )
        if found != topic.partitions:
            logger.warning("topic %s has %d partitions, %d expected", topic.name, found, topic.partitions)

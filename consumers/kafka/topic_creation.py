"""How the topics come into being, and whether those that somebody else made can work.

A real broker is asked to create what is missing, with partitions and policies; what is already there is left as it is
and checked. The embedded broker cannot create: a topic appears when its metadata is asked for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its stubs forget to re-export
    AdminClient,
    ClusterMetadata,
    NewTopic,
)

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.clients import KafkaSettings, admin, error_of, producer, require_broker
from consumers.kafka.topic_settings import REQUEST_TIMEOUT_S, require_settings
from consumers.kafka.topics import Topic, Topics

logger = logging.getLogger("ccit.kafka")


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
        below what ccit writes there, a log of rounds that forgets.
    BrokerUnavailable
        When no broker answers, or a topic is refused.
    """
    wanted = tuple(Topics(settings.prefix) if topics is None else topics)
    client = admin(settings)
    if _without_administration(settings, client):
        return _appear(settings, wanted)
    asked = [NewTopic(t.name, t.partitions, replication, config=t.config) for t in wanted]
    answers = client.create_topics(asked, request_timeout=REQUEST_TIMEOUT_S)
    errors = {name: _error(answer) for name, answer in answers.items()}
    for name, error in errors.items():
        if error and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise BrokerUnavailable(
                f"topic {name} should be created at {settings.bootstrap_servers}, but {error.str()}; "
                "let ccit create it, or make it there and set kafka.create_topics = false"
            )
    partitions = _await_leaders(settings, client, wanted)
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
    found = _cluster(settings, client).topics
    there = [topic for topic in Topics(settings.prefix) if topic.name in found and found[topic.name].error is None]
    _check_partitions(there, {topic.name: len(found[topic.name].partitions) for topic in there})
    require_settings(client, there, settings.bootstrap_servers)


def _without_administration(settings: KafkaSettings, client: AdminClient) -> bool:
    """Whether this is the embedded broker: no transactions, and no controller to ask (a request would time out)."""
    require_broker(settings)
    cluster = _cluster(settings, client)
    return not settings.transactions and cluster.controller_id not in cluster.brokers


def _cluster(settings: KafkaSettings, client: AdminClient) -> ClusterMetadata:
    """What the broker knows of itself and its topics; it may have gone since it last answered."""
    try:
        return client.list_topics(timeout=REQUEST_TIMEOUT_S)
    except KafkaException as problem:
        raise BrokerUnavailable(
            f"the topics at {settings.bootstrap_servers} should be known, but {error_of(problem).str()}; "
            "check the broker and start again"
        ) from problem


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
        client.list_topics(topic.name, timeout=REQUEST_TIMEOUT_S)
    return tuple(topic.name for topic in topics)


def _await_leaders(settings: KafkaSettings, client: AdminClient, topics: tuple[Topic, ...]) -> dict[str, int]:
    """Partitions per topic, once each has a leader: a topic is created before all brokers know of it."""
    deadline = time.monotonic() + REQUEST_TIMEOUT_S
    while True:
        found = _cluster(settings, client).topics
        led = {t.name: [p.leader >= 0 for p in found[t.name].partitions.values()] for t in topics if t.name in found}
        missing = [topic.name for topic in topics if not led.get(topic.name) or not all(led[topic.name])]
        if not missing:
            return {name: len(leaders) for name, leaders in led.items()}
        if time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"each partition of {', '.join(missing)} should have a leader within {REQUEST_TIMEOUT_S:g} s, but has "
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

"""Connection settings, and every option of the clients with the reason for it.

`KafkaSettings` is all that a process needs to know of a broker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.client_options import require_allowed

logger = logging.getLogger("ccit.kafka")

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message any client here sends (bytes). A 10 MB poison record must fit in one dead letter with its headers."""

TRANSACTION_TIMEOUT_MS = 20_000
"""How long a dead process can hold up the readers of its partitions (milliseconds).

A transaction here spans produce and commit only, never the step, so it lasts well under a second; a broker's failover
takes up to 10 s. The default of 60 s would make everyone wait a minute after a kill -9.
"""

PREFETCH_KIB = 16 * 1024
"""Messages fetched ahead and not yet read (KiB): a slow model must not fill the memory. The default is 64 MiB."""

FETCH_BYTES = 16 * 1024
"""Asked of a partition at a time (bytes as they are sent, compressed; one batch always comes whole).

The limit above is looked at before a fetch and counts decompressed bytes. So what is held is that limit, and on top of
it what one fetch decompresses to: `FETCH_BYTES` of every partition, or one batch. Text shrinks three to five times,
which makes that little. Measured on six partitions, growth of a member that waits before a burst: random hex digits
21 MiB (22 MiB with 128 KiB); zeros, which shrink a thousand times, in messages of 1.5 kB 29 MiB (108 MiB), of 6 kB
60 MiB (85 MiB).

There is no bound for a batch that somebody made to decompress to much: usual clients make batches of at most 1 MB, but
the broker limits only its compressed size. A topic with `compression.type=uncompressed` has no such batches
(docs/operations.md, "Bursts").
"""

QUEUE_KIB = 64 * 1024
"""Messages handed to a producer and not yet sent (KiB): a slow broker must not fill the memory. Default: 1 GiB."""

REBOOTSTRAP_MS = 5_000
"""A client that has heard of no broker for so long begins again with `bootstrap.servers` (milliseconds). librdkafka
forgets a broker that is missing from one answer, as the only one is for a moment after a long pause; with its default
of 5 minutes a transaction then stood still for 46 s, until its timeouts were over."""

FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
    }
)
"""Errors that no retry heals: someone must grant something."""


def is_final(error: KafkaError) -> bool:
    """Whether no retry heals an error: the client is of no use any more, or someone must grant something.

    What librdkafka raises or tells `error_cb` is marked fatal. What a reader is handed is not: it has the code `_FATAL`
    alone (confluent-kafka 2.16), and is handed over once.

    >>> is_final(KafkaError(KafkaError._FATAL)), is_final(KafkaError(KafkaError._TRANSPORT))
    (True, False)
    """
    return error.fatal() or error.code() == KafkaError._FATAL or error.code() in FORBIDDEN


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach a broker and what it can do.

    Parameters
    ----------
    bootstrap_servers : str
        `host:port`, several separated by commas.
    prefix : str
        Before every topic, group and transactional id, so that systems can share a broker.
    transactions : bool
        False for the embedded broker alone: it answers as if it had transactions, and is wrong.
    client_options : Mapping[str, str]
        librdkafka options for TLS, SASL and sockets (`security.protocol`, `sasl.mechanisms`, `ssl.ca.location`, ...).
    group_protocol : "consumer" or "classic"
        "consumer" is KIP-848 (Apache Kafka 4.0 and later); "classic" serves older brokers.

    Raises
    ------
    ConfigError
        When `client_options` holds an option that a configuration may not set (`client_options.py`).

    >>> KafkaSettings("localhost:9092").prefix
    'ccit.'
    """

    bootstrap_servers: str
    prefix: str = "ccit."
    transactions: bool = True
    client_options: Mapping[str, str] = field(default_factory=dict)
    group_protocol: Literal["consumer", "classic"] = "consumer"

    def __post_init__(self) -> None:
        """Refuse options that a configuration may not set."""
        require_allowed(self.client_options)


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """Options that every client shares."""
    return {
        **settings.client_options,
        "bootstrap.servers": settings.bootstrap_servers,
        "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS,
        "error_cb": _log_error,
        "logger": logger,
    }


def reader_config(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Options of anyone who reads, with or without a group."""
    return {
        **client_config(settings),
        "group.id": group,
        "enable.auto.commit": False,  # offsets move only with the outputs they stand for
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # what retention has deleted is not passed over in silence, see `expired.py`
        "isolation.level": "read_committed",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "queued.max.messages.kbytes": PREFETCH_KIB,
        "fetch.message.max.bytes": FETCH_BYTES,
        "fetch.wait.max.ms": 100,
    }


def consumer_config(settings: KafkaSettings, group: str) -> dict[str, Any]:
    """Options of a member of a group whose partitions come and go one by one."""
    config = reader_config(settings, group) | {"group.protocol": settings.group_protocol}
    if settings.group_protocol == "consumer":
        return config
    return {
        "session.timeout.ms": 6_000,  # the least a broker allows by default: a vanished member is missed no longer
        "heartbeat.interval.ms": 1_000,
        **config,
        "partition.assignment.strategy": "cooperative-sticky",  # partitions move one by one, as the loop expects
    }


def producer_config(settings: KafkaSettings, transactional_id: str | None = None) -> dict[str, Any]:
    """Options of a producer that never reorders and never repeats by itself; transactional when an id is given."""
    config: dict[str, Any] = {
        **client_config(settings),
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "zstd",  # JSON of clinical text shrinks three to five times
        "partitioner": "murmur2_random",  # the Java clients' choice: one key, one partition, whoever writes
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "queue.buffering.max.kbytes": QUEUE_KIB,
    }
    if transactional_id is None:
        return config | {"message.timeout.ms": TRANSACTION_TIMEOUT_MS}
    return config | {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
    }


def group_consumer(settings: KafkaSettings, group: str, *, mark_ends: bool = False) -> Consumer:
    """A consumer that has not yet subscribed; `group` comes with its prefix.

    Parameters
    ----------
    mark_ends : bool
        Say `_PARTITION_EOF`, as an error, whenever the end of a partition is reached.

    Raises
    ------
    ConfigError
        By this and the functions below: librdkafka refuses one of the client options.
    """
    return _made(Consumer, consumer_config(settings, group) | {"enable.partition.eof": mark_ends})


def reader(settings: KafkaSettings, group: str, *, mark_ends: bool = False, unstable: bool = False) -> Consumer:
    """A consumer that joins no group: it asks for the group's offsets, or reads what it is assigned by hand.

    Parameters
    ----------
    unstable : bool
        Do not wait for open transactions: the group's offsets are the last that were committed.
    """
    isolation = {"isolation.level": "read_uncommitted"} if unstable else {}
    return _made(Consumer, reader_config(settings, group) | {"enable.partition.eof": mark_ends} | isolation)


def producer(settings: KafkaSettings, transactional_id: str | None = None) -> Producer:
    """A producer; with an id, one that has yet to call `init_transactions`."""
    return _made(Producer, producer_config(settings, transactional_id))


def admin(settings: KafkaSettings) -> AdminClient:
    """A client that creates and describes."""
    return _made(AdminClient, client_config(settings))


_Client = TypeVar("_Client")


def _made(kind: Callable[[dict[str, Any]], _Client], config: dict[str, Any]) -> _Client:
    """The client; what librdkafka says against an option names it, and never quotes a secret."""
    try:
        return kind(config)
    except KafkaException as problem:
        error = error_of(problem)
        if error.code() != KafkaError._INVALID_ARG:
            raise
        raise ConfigError(_refused(error.str())) from problem


def _refused(why: str) -> str:
    return (
        f"kafka.client should hold options that librdkafka takes, but it says: {' '.join(why.split())}; correct or "
        "remove that option"
    )


def require_broker(settings: KafkaSettings, timeout_s: float = 10.0) -> None:
    """Return once a broker has answered.

    Raises
    ------
    BrokerUnavailable
        When none did within `timeout_s` seconds.
    """
    try:
        admin(settings).list_topics(timeout=timeout_s)
    except KafkaException as problem:
        raise BrokerUnavailable(
            f"a Kafka broker should answer at {settings.bootstrap_servers} within {timeout_s:g} s, "
            f"but {error_of(problem).str()}; start one (`ccit broker`) or correct kafka.bootstrap_servers"
        ) from problem


def error_of(problem: KafkaException) -> KafkaError:
    """The value inside the exception, which knows whether to retry, to abort or to give up."""
    error = problem.args[0]
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError._FAIL, str(error))


def _log_error(error: KafkaError) -> None:
    """Background errors are news, not failures: the call that is affected raises its own."""
    logger.log(logging.ERROR if error.fatal() else logging.WARNING, "%s: %s", error.name(), error.str())

"""From the configuration to what the Kafka plumbing wants to know."""

from __future__ import annotations

from ccit.config import EMBEDDED, Config
from ccit.errors import ConfigError
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.commit import CommitProtocol
from consumers.kafka.exactly_once import ExactlyOnce
from consumers.kafka.topic_creation import check_topics, create_topics


def kafka_settings(config: Config) -> KafkaSettings:
    """Connection settings of every client in this process.

    Raises
    ------
    ConfigError
        The broker is the embedded one, which has no address until `ccit up` or `ccit demo` has started it.
    """
    kafka = config.kafka
    if kafka.bootstrap_servers == EMBEDDED:
        raise ConfigError(
            "expected kafka.bootstrap_servers to be host:port, found 'embedded', which lives inside `ccit up` alone; "
            "set CCIT_KAFKA__BOOTSTRAP_SERVERS to the address that `ccit up` prints (docs/operations.md)"
        )
    return KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        prefix=kafka.prefix,
        transactions=kafka.transactions,
        client_options=kafka.client,
        group_protocol=kafka.group_protocol,
    )


def ready_broker(config: Config) -> KafkaSettings:
    """The settings of a broker that answers, and whose topics exist and are as they must be.

    Raises
    ------
    ConfigError, BrokerUnavailable
        As `kafka_settings` and `create_topics` do.
    """
    settings = kafka_settings(config)
    if config.kafka.create_topics:
        create_topics(settings, replication=config.kafka.replication)
    else:
        check_topics(settings)
    return settings


def commit_protocol(settings: KafkaSettings, transactional_id: str, *, alone: bool = False) -> CommitProtocol:
    """Exactly once where the broker has transactions, at least once where it has not; see `ExactlyOnce` for `alone`."""
    return ExactlyOnce(settings, transactional_id, alone=alone) if settings.transactions else AtLeastOnce(settings)

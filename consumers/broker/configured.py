"""The broker that a configuration asks for: one that exists already, or the embedded one, started here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ccit.config import EMBEDDED, Config
from consumers.broker.embedded import EmbeddedKafka
from consumers.connection import kafka_settings
from consumers.kafka.clients import KafkaSettings, require_broker


@dataclass(frozen=True, slots=True)
class Reachable:
    """A broker that answers: the settings for this process, and the environment that leads child processes to it."""

    settings: KafkaSettings
    environment: Mapping[str, str]


@contextmanager
def broker_for(config: Config) -> Iterator[Reachable]:
    """Yield the broker, which ends with the block where it was started here.

    Raises
    ------
    BrokerUnavailable
        None answers at `kafka.bootstrap_servers`.
    """
    if config.kafka.bootstrap_servers != EMBEDDED:
        settings = kafka_settings(config)
        require_broker(settings)
        yield Reachable(settings, {})
        return
    with EmbeddedKafka() as broker:
        yield Reachable(broker.settings(config.kafka.prefix), embedded_environment(broker.bootstrap_servers))


def embedded_environment(bootstrap_servers: str) -> dict[str, str]:
    """What the embedded broker cannot do is switched off in every child."""
    return {
        "CCIT_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "CCIT_KAFKA__TRANSACTIONS": "false",
        "CCIT_KAFKA__GROUP_PROTOCOL": "classic",
    }

"""The broker that a configuration asks for: one that exists already, or the embedded one, started here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ccit.config import EMBEDDED, Config
from consumers.broker.embedded import EmbeddedKafka
from consumers.connection import kafka_settings
from consumers.kafka.clients import require_broker


@contextmanager
def broker_for(config: Config) -> Iterator[Mapping[str, str]]:
    """Yield the environment that leads child processes to the broker.

    Raises
    ------
    BrokerUnavailable
        None answers at `kafka.bootstrap_servers`.
    """
    if config.kafka.bootstrap_servers != EMBEDDED:
        require_broker(kafka_settings(config))
        yield {}
        return
    with EmbeddedKafka() as broker:
        yield embedded_environment(broker.bootstrap_servers)


def embedded_environment(bootstrap_servers: str) -> dict[str, str]:
    """What the embedded broker cannot do is switched off in every child."""
    return {
        "CCIT_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
        "CCIT_KAFKA__TRANSACTIONS": "false",
        "CCIT_KAFKA__GROUP_PROTOCOL": "classic",
    }

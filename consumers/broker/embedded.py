"""The embedded broker: librdkafka's in-process cluster, for a demo and for tests without Java.

It speaks Kafka's protocol over TCP, so other processes use it as they would any broker, but it is a mock and these are
its limits (librdkafka 2.16):

- *No transactions*, although it answers as if it had them: aborted messages are delivered, offsets sent in a
  transaction are never applied, a fenced producer commits. Use `KafkaSettings(transactions=False)`: at least once, with
  content-derived ids that make repeats harmless.
- *No compaction*: a compacted topic keeps every message, so its followers must let the last one per key win.
- *No administration*: topics appear when asked for, always with four partitions; none can be deleted or configured.
- *About 5 MiB a partition*: older messages are dropped. A stream longer than that needs a real broker.
- *In memory*: everything is gone when the process that holds it ends.
- A group member that vanishes (kill -9) is missed late: measured 31 s with `group_protocol="consumer"` (which joins in
  0.1 s and hands partitions over in 5 s), 10 s with `"classic"` (which needs 3 s for every join).
- Offsets for times are wrong; no authentication, no TLS, no quotas, no retention by time.
"""

from __future__ import annotations

import logging
from typing import Literal

from confluent_kafka import Producer

from consumers.kafka.clients import KafkaSettings
from consumers.kafka.closing import Closing

_ANSWER_TIMEOUT_S = 10.0
_ERRORS_ONLY = 3  # syslog's level for errors: the cluster announces itself at each start otherwise


class EmbeddedKafka(Closing):
    """A Kafka-speaking cluster of one broker that lives as long as this object.

    Parameters
    ----------
    brokers : int
        How many brokers to pretend to be (1 to 5).

    >>> with EmbeddedKafka() as broker:
    ...     host, port = broker.bootstrap_servers.split(":")
    >>> host
    '127.0.0.1'
    """

    def __init__(self, brokers: int = 1) -> None:
        self._cluster: Producer | None = Producer(
            {
                "test.mock.num.brokers": str(brokers),
                "log_level": _ERRORS_ONLY,
                "logger": logging.getLogger("ccit.broker.embedded"),
            }
        )
        found = self._cluster.list_topics(timeout=_ANSWER_TIMEOUT_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def settings(
        self, prefix: str = "ccit.", group_protocol: Literal["consumer", "classic"] = "consumer"
    ) -> KafkaSettings:
        """Connection settings that fit what this broker can do."""
        return KafkaSettings(self.bootstrap_servers, prefix, transactions=False, group_protocol=group_protocol)

    def close(self) -> None:
        """End the cluster and everything in it."""
        self._cluster = None

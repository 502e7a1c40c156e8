"""What a follower of the version topic says of itself on `replica-status`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal

from confluent_kafka import KafkaError
from confluent_kafka import Message as RawMessage

from ccit.events import ReplicaReported, encode
from ccit.records import ReplicaReport, ReplicaState, Spend
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics

logger = logging.getLogger("ccit.reports")

_ON_THE_WAY: tuple[ReplicaState, ...] = ("loading", "loaded")  # nobody waits for these: a swap is not to be held up


class Reporter:
    """Writes one replica's reports; the topic keeps the last of each replica.

    A report that cannot be written is logged: a replica goes on working when nobody can hear it.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        role: Literal["serve", "score", "train"],
        instance: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._topic = Topics(settings.prefix).replica_status
        self._producer = producer(settings)
        self._role = role
        self.replica_id = f"{role}-{instance}"
        self._clock = clock

    def report(
        self, state: ReplicaState, version: int, sequence: int, detail: str = "", spent: Spend | None = None
    ) -> None:
        """Say what was loaded, made active or refused, and why.

        Parameters
        ----------
        version, sequence : int
            What this replica works with now, whatever it is loading, and the announcement that made it so.
        """
        now = self._clock()
        report = ReplicaReport(self.replica_id, self._role, state, version, sequence, detail, now, spent or Spend())
        value, headers = encode(ReplicaReported(report), at=now, source=f"ccit/{self._role}")
        self._producer.produce(
            self._topic.name,
            value=value,
            key=self.replica_id.encode(),
            partition=self._topic.partition or 0,
            headers=list(headers),
            on_delivery=self._delivered,
        )
        if self._producer.flush(0.0 if state in _ON_THE_WAY else 5.0) and state not in _ON_THE_WAY:
            logger.warning("the report %s version %d of %s has not reached the broker", state, version, self.replica_id)

    def _delivered(self, error: KafkaError | None, _: RawMessage) -> None:
        if error is not None:
            logger.warning("a report of %s did not reach the broker: %s", self.replica_id, error.str())

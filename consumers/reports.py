"""What a follower of the version topic says of itself on `replica-status`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal

from ccit.events import ReplicaReported, encode
from ccit.records import ReplicaReport, ReplicaState, Spend
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics

logger = logging.getLogger("ccit.reports")


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
        """Say what was loaded, made active or refused, and why."""
        now = self._clock()
        report = ReplicaReport(self.replica_id, self._role, state, version, sequence, detail, now, spent or Spend())
        value, headers = encode(ReplicaReported(report), at=now, source=f"ccit/{self._role}")
        self._producer.produce(
            self._topic.name,
            value=value,
            key=self.replica_id.encode(),
            partition=self._topic.partition or 0,
            headers=list(headers),
        )
        if self._producer.flush(5.0):
            logger.warning("the report %s version %d of %s did not reach the broker", state, version, self.replica_id)

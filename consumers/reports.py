"""What a follower of the version topic says of itself on `replica-status`, and says again each minute.

The topic is compacted, so the last word of a killed process stays there. Its age tells: who works repeats it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as ClientMessage

from ccit.events import DriftFound, ProxyAudited, ReplicaReported, encode
from ccit.records import Concordance, Drift, ReplicaReport, ReplicaState, Spend
from consumers.kafka.clients import KafkaSettings, error_of, is_final, producer
from consumers.kafka.topics import Topics

logger = logging.getLogger("ccit.reports")

REPEAT_S = 60.0
_AUDIT = "/proxy-audit"  # after the id: the topic keeps the last of each key
_DRIFT = "/drift"
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
        self._settings = settings
        self._topic = Topics(settings.prefix).replica_status
        self._producer = producer(settings)
        self._role = role
        self.replica_id = f"{role}-{instance}"
        self._clock = clock
        self._last: ReplicaReport | None = None
        self._said_at = 0.0  # on the monotonic clock
        self._drifts: Sequence[Drift] = ()  # as told
        self._audit: tuple[float, Sequence[Concordance]] = (-math.inf, ())  # when it was told, and what

    def report(
        self, state: ReplicaState, version: int, sequence: int, detail: str = "", spent: Spend | None = None
    ) -> None:
        """Say what was loaded, made active or refused, and why.

        Parameters
        ----------
        version, sequence : int
            What this replica works with now, whatever it is loading, and the announcement that made it so.
        """
        self._say(ReplicaReport(self.replica_id, self._role, state, version, sequence, detail, 0.0, spent or Spend()))
        if self._producer.flush(0.0 if state in _ON_THE_WAY else 5.0) and state not in _ON_THE_WAY:
            logger.warning("the report %s version %d of %s has not reached the broker", state, version, self.replica_id)

    def progress(self, detail: str, spent: Spend) -> None:
        """Say how far an active replica is, without waiting; what it was doing else stands."""
        if self._last is not None and self._last.state == "active":
            self._say(replace(self._last, detail=detail, spent=spent))
            self._producer.poll(0.0)

    def audited(self, found: Sequence[Concordance], *, at_once: bool = False) -> None:
        """Say what the proxy audit has found, where that is news: a minute after the last time, or at once; never
        waits.
        """
        told_at, told = self._audit
        if found != told and (at_once or time.monotonic() - told_at >= REPEAT_S):
            self._audit = (time.monotonic(), found)
            event = ProxyAudited(self.replica_id, self._clock(), tuple(found))
            self._write(f"{self.replica_id}{_AUDIT}", event, event.at)
            self._producer.poll(0.0)

    def drifted(self, found: Sequence[Drift]) -> Sequence[Drift]:
        """Say which changes were found, where that is news; never waits. Returns those that are new."""
        fresh = [drift for drift in found if drift not in self._drifts]
        if fresh:
            event = DriftFound(self.replica_id, self._clock(), tuple(found))
            self._write(f"{self.replica_id}{_DRIFT}", event, event.at)
            self._producer.poll(0.0)
        self._drifts = found
        return fresh

    def repeat(self) -> None:
        """Say the last again once it is a minute old; never waits. For the consumer's loop: who hangs falls silent."""
        if self._last is not None and time.monotonic() - self._said_at >= REPEAT_S:
            self._say(self._last)
            self._producer.poll(0.0)

    def _say(self, report: ReplicaReport) -> None:
        now = self._clock()
        self._last, self._said_at = replace(report, at=now), time.monotonic()
        self._write(self.replica_id, ReplicaReported(self._last), now)

    def _write(self, key: str, event: ReplicaReported | ProxyAudited | DriftFound, at: float) -> None:
        value, headers = encode(event, at=at, source=f"ccit/{self._role}")
        try:
            self._producer.produce(
                self._topic.name,
                value=value,
                key=key.encode(),
                partition=self._topic.partition or 0,
                headers=list(headers),
                on_delivery=self._delivered,
            )
        except BufferError as full:  # the queue
            logger.warning("a report of %s could not be written: %s", self.replica_id, full)
        except KafkaException as problem:
            logger.warning("a report of %s could not be written: %s", self.replica_id, problem)
            if is_final(error_of(problem)):  # of this client; the next report goes by a new one
                self._producer = producer(self._settings)

    def _delivered(self, error: KafkaError | None, _: ClientMessage) -> None:
        if error is not None:
            logger.warning("a report of %s did not reach the broker: %s", self.replica_id, error.str())

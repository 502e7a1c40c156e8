"""model-versions -> HTTP: the server, and the thread that follows the version topic for it.

1. Read the topic to its end and load the incumbent; only then `/ready` answers 200. An incumbent that cannot be loaded
   keeps it at 503, saying why: whatever else this replica has would be the wrong version.
2. For each announcement: check the adapter's digests, load it beside the active one, flip; each step is reported. A
   version that cannot be loaded is reported as failed, and the active one goes on answering. One that is in memory
   still, as after a rollback, is not read again.
"""

from __future__ import annotations

import logging
import threading
import time

from ccit.assembly.serving import ServingParts, serving
from ccit.config import Config
from ccit.errors import CcitError
from ccit.records import ReplicaState, Version
from ccit.serving.leases import VersionNotHeld
from ccit.serving.server import Server
from consumers.commands import issue
from consumers.connection import kafka_settings
from consumers.kafka.clients import KafkaSettings
from consumers.reports import Reporter
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.serve")

_POLL_S = 0.2  # how late an announcement may be noticed
_RETRY_S = 5.0  # a version that could not be loaded is tried again this often: a store may lag behind or be repaired


class ServeConsumer:
    """One replica of the server."""

    def __init__(self, config: Config, instance: str) -> None:
        settings = kafka_settings(config)
        self._parts: ServingParts = serving(config)
        self._server = Server(self._parts.app, config.serving)
        self._versions = VersionFollower(settings, self._parts.base)
        self._reporter = Reporter(settings, "serve", instance)
        alias = config.models.alias
        self._parts.steering.roll_back = lambda number: _ask_back(settings, alias, number)
        self._stop = threading.Event()
        self._refused: Version | None = None
        self._retry_at = 0.0
        self._told: int | None = None  # the pin that was reported
        self._followed = 0  # the last announcement that was acted on

    def stop(self) -> None:
        """Take no more requests, finish those in flight, and end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Serve until stopped. Raises `BrokerUnavailable` when the version topic cannot be read."""
        try:
            with self._server:
                logger.info("listening on %s", self._server.url)
                self._follow_to(self._versions.catch_up())
                while not self._stop.is_set():
                    self._turn()
        finally:
            self._versions.close()
            self._report("stopped")

    def _turn(self) -> None:
        if self._told != self._parts.steering.pinned:
            self._tell_active()
        self._reporter.repeat()
        announcement = self._versions.poll(_POLL_S)
        if announcement is not None:
            self._follow_to(announcement.version)
        elif self._refused is not None and time.monotonic() > self._retry_at:
            self._follow_to(self._refused)

    def _follow_to(self, version: Version) -> None:
        number = version.number
        again = self._refused is not None and self._refused.number == number  # what was said of it stands
        try:
            self._take_over(version, quietly=again)
        except CcitError as error:
            self._refused, self._retry_at = version, time.monotonic() + _RETRY_S
            if not again:
                self._refuse(f"version {number} is refused: {error}")
            return
        self._refused, self._followed = None, self._versions.lineage.sequence
        self._parts.readiness.set_ready()
        self._tell_active()
        logger.info("version %d answers", self._parts.slots.active)

    def _take_over(self, version: Version, *, quietly: bool) -> None:
        steering, number = self._parts.steering, version.number
        try:
            steering.announce(number)  # a rollback finds it there: no store is asked, which may be away or damaged
        except VersionNotHeld:
            if not quietly:
                self._report("loading", f"version {number}")
            self._parts.slots.load(number, self._parts.read(version))
            if not quietly:
                self._report("loaded", f"version {number}")
            steering.announce(number)

    def _tell_active(self) -> None:
        self._told = self._parts.steering.pinned
        self._report("active", self._server.url if self._told is None else f"{self._server.url}, pinned by an operator")

    def _refuse(self, sentence: str) -> None:
        logger.error("%s", sentence)
        self._report("failed", sentence)
        if not self._parts.readiness.ready:
            self._parts.readiness.set_unready(sentence)

    def _report(self, state: ReplicaState, detail: str = "") -> None:
        self._reporter.report(state, self._parts.slots.active, self._followed, detail)


def _ask_back(settings: KafkaSettings, alias: str, number: int) -> None:
    command = issue(settings, alias, "rollback", number)
    logger.info("version %d was asked for: command %s", number, command.command_id)

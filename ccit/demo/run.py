"""The demo's course: a small hospital's days, the loop at work on them, a rollback, and the report.

The hospital's clock is compressed: its next day begins when everything of the last one is decided and a round that
became due has ended, however fast this machine is. Everything else is the real system: consumers in processes of
their own, a broker, models, a server and a client that asks it all the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from ccit.console import Console
from ccit.demo.arrival import Arrival, RowArrival
from ccit.demo.door import DoorArrival, prepared_door
from ccit.demo.real import Real, stream_of_rows
from ccit.demo.stage import Stage, clear_stage, merged, real_ingredients, set_stage, small_ingredients
from ccit.demo.summary import Rollback, summarise
from ccit.demo.traffic import QUICK, REAL, Traffic
from ccit.demo.watch import Watch
from ccit.errors import CcitError
from ccit.evaluation.criteria.forgetting import Forgetting
from ccit.events import ReplicaReported
from ccit.plugin_tables import found
from ccit.records import DOMAIN, Spend
from ccit.report.history import Bounds, History
from ccit.report.render import render_report
from ccit.selection.checks.ifd import IfdCheck
from ccit.simulation.clinical_stream import ClinicalStream, clinical_stream
from ccit.simulation.stream import DAYS, SimulatedMessage, hospital_stream
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory
from consumers.broker.configured import embedded_environment
from consumers.broker.embedded import EmbeddedKafka
from consumers.broker.local import LocalKafka
from consumers.commands import issue
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topics
from consumers.observe import Observer
from consumers.supervise import Supervisor

Broker = Literal["embedded", "local"]
ROLES = ("ingest", "score", "train", "serve")

START_TIMEOUT_S = 180.0  # four processes import torch on two cores
STALL_TIMEOUT_S = 240.0  # nothing seen on any topic for this long: something is wrong, and is said
REAL_STALL_TIMEOUT_S = 1800.0  # a round of a real model says nothing on the topics until it is trained
_TICK_S = 0.1
MANY = 1200  # records; fewer are spread over fewer days, so that each wave of conditions is still seen often enough
DAYS_OF_A_TASTE = 2


@dataclass(frozen=True, slots=True)
class Demo:
    """What the user asked for."""

    out: Path
    records: int
    seed: int
    broker: Broker
    overrides: Mapping[str, Mapping[str, Any]]
    real: Real | None = None
    door: bool = False

    @property
    def days(self) -> int:
        """Over which the simulated hospital's records are spread."""
        return DAYS if self.records >= MANY else DAYS_OF_A_TASTE


def run_demo(demo: Demo, console: Console) -> dict[str, Any]:
    """Run everything and write `summary.json`, `report.html` and the logs below `demo.out`; returns the summary.

    Raises
    ------
    CcitError
        A part could not start or came to a halt; the message says which and where its log is.
    """
    make_directory(demo.out)
    clear_stage(demo.out)
    stage, stream = _prepared_door(demo, console) if demo.door else _prepared(demo, console)
    with _broker(demo, console) as (settings, environment):
        create_topics(settings)
        return _Course(demo, stage, stream, settings, environment, console).run()


def _prepared(demo: Demo, console: Console) -> tuple[Stage, list[SimulatedMessage]]:
    """The stage, with its models, and the rows that will be sent."""
    if demo.real is not None and demo.real.rows:
        sender = "the files"
        stream, questions = stream_of_rows(demo.real.rows, demo.records)
        ingredients = real_ingredients(demo.real.proxy_layers, questions, console.progress)
    else:
        sender = "the simulated hospital"
        stream = list(hospital_stream(demo.records, demo.seed, days=demo.days))
        real = demo.real
        ingredients = (
            small_ingredients(console.progress)
            if real is None
            else real_ingredients(real.proxy_layers, None, console.progress)
        )
    # A line is a message, so a line break inside garbage becomes a space; the others are JSON on one line.
    lines = b"".join(message.value.replace(b"\n", b" ") + b"\n" for message in stream)
    write_atomically(demo.out / "data" / "stream.jsonl", lines)  # for `ccit replay`
    console.story(f"{sender} will send {len(stream)} records over {stream[-1].day + 1} days")
    return set_stage(demo.out, demo.seed, ingredients, demo.overrides), stream


def _prepared_door(demo: Demo, console: Console) -> tuple[Stage, ClinicalStream]:
    """The same with messages that name people.

    On disk they lie where the hospital keeps its own (its exports); with `--broker local` also in `kafka/` below the
    run's folder, for the broker that is started there keeps the topic `clinical`.
    """
    stream = clinical_stream(demo.records, demo.seed, demo.days)
    console.story(
        f"the simulated hospital will speak HL7 v2 and FHIR for {demo.days} days, and name {len(stream.people)} people"
    )
    tables = merged(demo.overrides, prepared_door(demo.out))
    return set_stage(demo.out, demo.seed, small_ingredients(console.progress), tables), stream


@contextmanager
def _broker(demo: Demo, console: Console) -> Iterator[tuple[KafkaSettings, dict[str, str]]]:
    if demo.broker == "embedded":
        with EmbeddedKafka() as embedded:
            console.story(f"an embedded broker answers at {embedded.bootstrap_servers} (in memory, at least once)")
            yield embedded.settings(), embedded_environment(embedded.bootstrap_servers)
    else:
        with LocalKafka(1, demo.out / "kafka") as local:
            console.story(f"Apache Kafka answers at {local.bootstrap_servers} (exactly once)")
            yield KafkaSettings(local.bootstrap_servers), {"CCIT_KAFKA__BOOTSTRAP_SERVERS": local.bootstrap_servers}


class _Course:
    """One run of the demo, from the first process to the report."""

    def __init__(
        self,
        demo: Demo,
        stage: Stage,
        stream: list[SimulatedMessage] | ClinicalStream,
        settings: KafkaSettings,
        environment: Mapping[str, str],
        console: Console,
    ) -> None:
        self._demo = demo
        self._stage = stage
        self._settings = settings
        self._console = console
        self._pace = QUICK if demo.real is None else REAL
        self._stall_s = STALL_TIMEOUT_S if demo.real is None else REAL_STALL_TIMEOUT_S
        self._began = time.monotonic()
        self._heard = self._began
        known: list[SimulatedMessage] = []  # of whose truth something is known
        if isinstance(stream, ClinicalStream):
            self._arrival: Arrival = DoorArrival(settings, stage, stream, environment)
        else:
            self._arrival, known = RowArrival(settings, stream), stream
        self._known = known
        self._watch = Watch(known, stage.config.rounds.size)
        topics = Topics(settings.prefix)
        self._observer = Observer(
            settings,
            [t for t in topics if t not in (topics.raw, topics.records, topics.commands)],
        )
        self._supervisor = Supervisor(demo.out / "logs", environment)

    def run(self) -> dict[str, Any]:
        """Start, live through the days, roll back where that is shown, stop, report."""
        with self._observer:
            with self._supervisor:
                url = self._start()
                alias = self._stage.config.models.alias
                traffic = Traffic(f"{url}/v1", alias, self._prompts(), self._began, self._pace)
                traffic.start()
                try:
                    self._days()
                    rollback = None if self._demo.door else self._roll_back()  # it ends with what its messages taught
                finally:
                    traffic.stop()
            self._drain()
        seconds = time.monotonic() - self._began
        for error in dict.fromkeys(traffic.errors):
            self._console.story(f"a request failed: {error}")
        summary = summarise(self._watch, self._known, traffic.rows, rollback, self._scoring(), self._demo.seed, seconds)
        history = self._history(traffic)
        self._write(summary, history)
        if more := self._arrival.account():  # looks through what was just written, too
            summary |= more
            self._write(summary, history)
        return summary

    # -- the acts ---------------------------------------------------------------------------------------------------

    def _start(self) -> str:
        roles = (*self._arrival.roles, *ROLES)
        for role in roles:
            self._supervisor.start(role, [role, "--config", str(self._stage.config_path), "--instance", "demo"])
        self._console.story(f"starting {', '.join(roles[:-1])} and {roles[-1]}, each a process of its own")
        self._until(lambda: {"score", "train", "serve"} <= self._active_roles(), START_TIMEOUT_S, "starting")
        return next(r.detail for r in self._watch.replicas.values() if r.role == "serve")

    def _days(self) -> None:
        arrival = self._arrival
        for day in range(arrival.days):
            self._watch.day = day
            arrival.send(day)
            self._console.progress("messages sent", arrival.sent, arrival.total)
            self._until(arrival.arrived, self._stall_s, f"taking in day {day + 1}")
            self._watch.came = arrival.rows
            self._until(self._watch.decided, self._stall_s, f"deciding day {day + 1}")
            self._until(self._watch.at_rest, self._stall_s, f"the round of day {day + 1}")
            accepted = sum(row.accepted for row in self._watch.decisions)
            self._console.story(
                f"day {day + 1} is over: {self._watch.settled} decided, {accepted} let in, "
                f"{self._watch.pooled} wait in the pool"
            )

    def _roll_back(self) -> Rollback | None:
        if not self._watch.announcements:
            self._console.story("no version was promoted, so there is nothing to roll back")
            return None
        version = self._watch.announcements[-1][0].version
        target = version.parent or 0
        self._console.story(f"rolling back from version {version.number} to {target}")
        started = time.monotonic()
        issue(self._settings, self._stage.config.models.alias, "rollback", target)
        self._until(lambda: self._everyone_runs(target), self._stall_s, "the rollback")
        seconds = time.monotonic() - started
        self._console.story(f"server and scorer run version {target} again after {seconds:.2f} s")
        time.sleep(1.0)  # let the client see it
        return Rollback(version.number, target, seconds)

    # -- waiting ----------------------------------------------------------------------------------------------------

    def _until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Look at the topics until it is done; the demo's own heartbeat."""
        self._heard = time.monotonic()
        while not done():
            self._look()
            self._supervisor.watch()
            if time.monotonic() - self._heard > timeout_s:
                logs = self._demo.out / "logs"
                raise CcitError(f"{what}: nothing happened for {timeout_s:.0f} s; the processes' logs are in {logs}")
            time.sleep(_TICK_S)

    def _look(self) -> None:
        for seen in self._observer.poll():
            now = time.monotonic()
            if not isinstance(seen.event, ReplicaReported):  # who only repeats that it is there moves nothing
                self._heard = now
            line = self._watch.take(seen, now - self._began)
            if line is not None:
                self._console.story(line)
        if expected := self._arrival.expected:
            self._console.progress("records decided", self._watch.settled, max(expected, self._watch.settled))

    def _drain(self) -> None:
        """The last words of the processes that have ended: a scorer says in them what it has spent."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline and not all(
            r.state == "stopped" for r in self._watch.replicas.values() if r.role in ("score", "serve")
        ):
            self._look()
            time.sleep(_TICK_S)

    def _active_roles(self) -> set[str]:
        return {report.role for report in self._watch.replicas.values() if report.state == "active"}

    def _everyone_runs(self, version: int) -> bool:
        newest = self._watch.announcements[-1][0]
        return newest.kind == "rolled_back" and all(
            r.version == version and r.sequence >= newest.sequence
            for r in self._watch.replicas.values()
            if r.role in ("score", "serve")
        )

    # -- what is kept -----------------------------------------------------------------------------------------------

    def _write(self, summary: Mapping[str, Any], history: History) -> None:
        write_atomically(self._demo.out / "summary.json", orjson.dumps(summary, option=orjson.OPT_INDENT_2))
        write_atomically(self._demo.out / "report.html", render_report(summary, history).encode())

    def _prompts(self) -> list[str]:
        lines = Path(self._stage.config.evaluation.suites[DOMAIN]).read_bytes().splitlines()
        return [orjson.loads(line)["prompt"] for line in lines]

    def _scoring(self) -> Spend:
        return next((r.spent for r in self._watch.replicas.values() if r.role == "score"), Spend())

    def _history(self, traffic: Traffic) -> History:
        config = self._stage.config
        ifd = found(config.selection.checks, IfdCheck.Settings)
        low, high = (None, None) if ifd is None else (ifd.min, ifd.max)
        forgetting = found(config.evaluation.criteria, Forgetting.Settings)
        return History(
            decisions=self._watch.decisions,
            dead_letters=self._watch.dead_letters,
            rounds=[r.row for r in self._watch.rounds],
            announcements=[row for _, row in self._watch.announcements],
            serving=traffic.rows,
            bounds=Bounds(low, high, forgetting.max_points if forgetting else None),
        )

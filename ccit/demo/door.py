"""`ccit demo --door`: the simulated hospital speaks HL7 v2 over MLLP and hands over FHIR exports, with names.

Every step is the command that a hospital runs: `ccit mllp`, `ccit feed`, `ccit clinical`, `ccit generate` without a
model. What stays with the hospital, its exports and the table of surrogates, lies in a folder of its own; everything
else that the run writes is looked through for the people whom it was about, but for the topic `clinical`, which names
them, and the log in which a broker that was started here keeps it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from ccit.demo.leaks import LeakSearch, bytes_of
from ccit.demo.mllp_sender import MllpSender
from ccit.demo.scraped import Scraped
from ccit.demo.stage import Stage
from ccit.errors import CcitError
from ccit.simulation.clinical_stream import ClinicalStream
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory, open_private
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topic, Topics

STAYS = "hospital"
"""Folder below the run's own, of what never leaves the hospital."""
ROLES = ("mllp", "clinical", "generate")

_BROKERS_OWN = "kafka"  # where a broker that was started here keeps its log, `clinical` among the topics
_METRICS = {"clinical": -1, "mllp": -2, "generate": -3}  # port, from `metrics.port`: docs/configuration.md
_TEMPLATE = "consultation.v1.jinja"
_START_S = 60.0  # until `ccit mllp` listens
_FEED_S = 120.0
_MOST_TRIES = 100


def prepared_door(out: Path) -> dict[str, dict[str, Any]]:
    """Write the hospital's own template below `out`; what the door needs in the configuration, with free ports."""
    texts = out / "texts"
    write_atomically(texts / "templates" / "en" / _TEMPLATE, files("ccit.demo").joinpath(_TEMPLATE).read_bytes())
    metrics, mllp = _free_ports()
    return {
        "clinical": {},
        "generation": {"texts": str(texts), "entries": False},
        "deidentify": {"table_file": str(out / STAYS / "surrogates.sqlite")},
        "metrics": {"port": metrics},
        "mllp": {"port": mllp},
    }


class DoorArrival:
    """Messages by MLLP and by `ccit feed`, and what the door's processes say of them."""

    roles: Sequence[str] = ROLES

    def __init__(
        self, settings: KafkaSettings, stage: Stage, stream: ClinicalStream, environment: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self.stage = stage
        self._stream = stream
        self._environment = environment
        self._answers: Counter[str] = Counter()
        self._fed = 0
        self._lines = 0
        self._pages = dict.fromkeys(_METRICS, Scraped())
        self.days = len(stream.days)
        self.total = sum(len(day.messages) + len(day.lines) for day in stream.days)
        make_directory(stage.out / STAYS)

    def send(self, day: int) -> None:
        """A day's HL7 v2 over a socket, its FHIR export by `ccit feed`. Raises `CcitError`."""
        said = self._stream.days[day]
        with MllpSender(self.stage.config.mllp.port, _START_S) as sender:
            self._answers += sender.send(said.messages)
        export = self.stage.out / STAYS / f"day-{day + 1}.ndjson"
        write_atomically(export, b"".join(line + b"\n" for line in said.lines))
        self._fed += self._feed(export)
        self._lines += len(said.lines)

    def arrived(self) -> bool:
        """Whether all that is on `clinical` has been read, and rows made of all of it that is on `documents`."""
        port = self.stage.config.metrics.port
        self._pages = {role: Scraped.at(port + below) for role, below in _METRICS.items()}
        clinical, generate = self._pages["clinical"], self._pages["generate"]
        documents = clinical.by("ccit_documents_total", "outcome")["written"]
        stored = self._answers["AA"] + self._fed
        return clinical.total("ccit_messages_total") == stored and generate.total("ccit_messages_total") == documents

    @property
    def sent(self) -> int:
        """HL7 messages and lines of exports so far."""
        return self._answers.total() + self._lines

    @property
    def rows(self) -> int:
        """Rows that `ccit generate` has written."""
        return self._pages["generate"].total("ccit_generated_rows_total")

    @property
    def expected(self) -> int:
        """Nobody knows how many rows will come of a message."""
        return self.rows

    def account(self) -> dict[str, Any]:
        """What became of the messages, from the first to the last step, and where names were found."""
        clinical, generate = self._pages["clinical"], self._pages["generate"]
        return {
            "door": {
                "messages": {"hl7v2": self._answers.total(), "fhir": self._fed},
                "answers": dict(self._answers.most_common()),
                "unreadable": dict(_without(clinical.by("ccit_dead_letters_total", "reason"), "identifying")),
                "documents": dict(clinical.by("ccit_documents_total", "outcome")),
                "identifiers": dict(clinical.by("ccit_identifiers_masked_total", "kind").most_common()),
                "rows": dict(generate.by("ccit_generated_rows_total", "prompt")),
                "refused_rows": dict(generate.by("ccit_generation_rejects_total", "constraint")),
                "leaks": self._leaks(),
            }
        }

    def _leaks(self) -> dict[str, Any]:
        search, topics = LeakSearch(self._stream.canaries), Topics(self._settings.prefix)
        with ExitStack() as open_now:
            for topic in topics:
                messages = open_now.enter_context(Follower(self._settings, topic)).catch_up()
                search.look(_place_of(topic), bytes_of(messages))
        for role, page in self._pages.items():
            search.look(f"metrics of {role}", [page.text.encode()])
        search.look_into(self.stage.out, (STAYS, _BROKERS_OWN))
        on_clinical = search.found.pop(_place_of(topics.clinical), 0)
        del search.searched[_place_of(topics.clinical)]
        return {
            "planted": len(search.canaries),
            "on_clinical": on_clinical,
            "places": len(search.searched),
            "bytes": sum(search.searched.values()),
            "found": search.found,
        }

    def _feed(self, export: Path) -> int:
        """How many messages `ccit feed` made of an export."""
        command = [sys.executable, "-m", "ccit.cli.main", "feed", str(export), "--json"]
        environment, log_file = {**os.environ, **self._environment}, self.stage.out / "logs" / "feed.log"
        with open_private(log_file, "ab") as log:
            try:
                done = subprocess.run(
                    [*command, "--config", str(self.stage.config_path)],
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment,
                    timeout=_FEED_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise CcitError(f"`ccit feed` should end within {_FEED_S:.0f} s, but did not; see {log_file}") from None
        if not done.stdout:  # with places that gave no message it ends with 1, and says what it has sent all the same
            raise CcitError(
                f"`ccit feed` should say what it has sent, but ended with {done.returncode}; see {log_file}"
            )
        return sum(orjson.loads(done.stdout)["sent"].values())


def _place_of(topic: Topic) -> str:
    return f"topic {topic.name}"


def _without(counts: Counter[str], name: str) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if reason != name}


def _free_ports() -> tuple[int, int]:
    """`metrics.port`, with the ports below and above it that the processes take, and one for MLLP."""
    for _ in range(_MOST_TRIES):
        with ExitStack() as held:
            first = held.enter_context(_bound(0))
            base = first.getsockname()[1]
            try:
                for offset in (-3, -2, -1, 1, 2):
                    held.enter_context(_bound(base + offset))
                return base, held.enter_context(_bound(0)).getsockname()[1]
            except (OSError, OverflowError):
                continue
    raise CcitError(f"expected six free ports in a row on this machine, found none in {_MOST_TRIES} tries")


def _bound(port: int) -> socket.socket:
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        one.close()
        raise
    return one

"""Members that can be killed, records to copy, and the reader that tells the truth afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its stubs forget to re-export
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from ccit.failpoints import ENVIRONMENT_VARIABLE
from consumers.broker.embedded import EmbeddedKafka
from consumers.kafka.clients import KafkaSettings, admin, producer_config
from consumers.kafka.follower import Follower
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topics

_COPIER = Path(__file__).with_name("copier.py")
_WAIT_S = 240.0  # ten times what the longest wait takes on two idle cores
_MOST_IN_FLIGHT = 10_000  # records; below the client's own limits

Member = subprocess.Popen[str]


class CopyTrial:
    """Records on one topic, members that copy them to another, and the count of what came out."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.topics = Topics(settings.prefix)
        self._started: list[Member] = []
        self._folder = tempfile.TemporaryDirectory()

    def publish(
        self, count: int, first: int = 0, value: Callable[[int], bytes] = lambda number: b"record %d" % number
    ) -> list[bytes]:
        """Write records keyed first, first + 1, ... and return their keys, once the broker has said that it has each.

        A broker that stands still for long is waited for: the product's own producer gives a message up after 20 s.
        """
        client = Producer(producer_config(self.settings) | {"message.timeout.ms": int(1000 * _WAIT_S)})
        lost = list[str]()
        for number in range(first, first + count):
            while len(client) > _MOST_IN_FLIGHT:
                client.poll(0.1)
            client.produce(
                self.topics.records.name,
                value=value(number),
                key=str(number).encode(),
                on_delivery=lambda error, _: lost.append(error.str()) if error else None,
            )
        assert (client.flush(_WAIT_S), lost) == (0, [])
        return [str(number).encode() for number in range(first, first + count)]

    def start(
        self, member: str, failpoint: str = "", client_options: Mapping[str, str] | None = None, **job: Any
    ) -> Member:
        """A member in a process of its own; `job` as in copier.py."""
        settings = replace(self.settings, client_options=client_options or {})
        text = json.dumps({"settings": asdict(settings), "member": member, **job})
        with self._said(len(self._started)).open("w") as said:
            process = subprocess.Popen(
                [sys.executable, str(_COPIER), text],
                env={**os.environ, ENVIRONMENT_VARIABLE: failpoint},
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        self._started.append(process)
        return process

    def finish(self, member: Member) -> dict[str, int]:
        """SIGTERM, a clean end, and the member's counters."""
        member.terminate()
        out, _ = member.communicate(timeout=_WAIT_S)
        assert member.returncode == 0, self._said(self._started.index(member)).read_text()
        counters: dict[str, int] = json.loads(out)
        return counters

    def await_copies(self, keys: list[bytes]) -> None:
        """Return once every key was seen; the caller then counts again, for repeats may still be on their way."""
        missing = set(keys)
        deadline = time.monotonic() + _WAIT_S
        with Follower(self.settings, self.topics.samples) as reader:
            while missing:
                assert time.monotonic() < deadline, f"{len(missing)} of {len(keys)} keys never came; {self._ends()}"
                missing.difference_update(message.key or b"" for message in reader.poll(0.1))

    def await_some(self, count: int, by: bytes | None = None) -> None:
        """Return once that many copies are there, of any member or of the one named."""
        deadline = time.monotonic() + _WAIT_S
        with Follower(self.settings, self.topics.samples) as reader:
            while count > 0:
                assert time.monotonic() < deadline, f"{count} copies by {by!r} never came"
                count -= sum(by in (None, message.value) for message in reader.poll(0.1))

    def copied(self) -> Counter[bytes]:
        """How often each key is there, as a read-committed reader sees it now."""
        with Follower(self.settings, self.topics.samples) as reader:
            return Counter(message.key or b"" for message in reader.catch_up())

    def configure(self, kind: ResourceType, name: str, option: str, value: str) -> None:
        """Set an option of a topic or a group at the broker, and return when it says that it has it."""
        entry = ConfigEntry(option, value, incremental_operation=AlterConfigOpType.SET)
        client = admin(self.settings)
        resource = ConfigResource(kind, name, incremental_configs=[entry])
        client.incremental_alter_configs([resource])[resource].result()
        asked = ConfigResource(kind, name)
        while client.describe_configs([asked])[asked].result()[option].value != value:
            time.sleep(0.05)

    def members(self) -> int:
        """How many the broker counts in the group."""
        group = f"{self.settings.prefix}copy"
        client = admin(self.settings)
        return len(client.describe_consumer_groups([group], request_timeout=30.0)[group].result().members)

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            process.kill()
            process.communicate()
        self._folder.cleanup()

    def _said(self, number: int) -> Path:
        """What a member writes to stderr. Not a pipe: unread, it holds up a member that logs more than 64 KiB."""
        return Path(self._folder.name, f"{number}.stderr")

    def _ends(self) -> str:
        """How each member stands, and the last that it said."""
        return "; ".join(f"{one.poll()}: {self._said(n).read_text()[-2000:]}" for n, one in enumerate(self._started))


@pytest.fixture(scope="module")
def new_trial() -> Iterator[Callable[[KafkaSettings], CopyTrial]]:
    """Makes trials that end with the module."""
    made: list[CopyTrial] = []

    def make(settings: KafkaSettings) -> CopyTrial:
        made.append(CopyTrial(settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def trial(settings: KafkaSettings) -> Iterator[CopyTrial]:
    """A trial on the real broker."""
    one = CopyTrial(settings)
    yield one
    one.end()


@pytest.fixture
def embedded_trial() -> Iterator[CopyTrial]:
    """A trial on the embedded broker, with the protocol that misses a killed member sooner there."""
    with EmbeddedKafka() as broker:
        settings = broker.settings("e.", group_protocol="classic")
        create_topics(settings)
        one = CopyTrial(settings)
        yield one
        one.end()


@pytest.fixture
def until() -> Callable[[Callable[[], bool], str], None]:
    """Waits for a condition: `until(lambda: ..., "what should have happened")`."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"never happened: {what}"
            time.sleep(0.05)

    return wait

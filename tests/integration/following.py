"""What tests of followers and backpressure share: consumers in threads, records to feed, versions to announce."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ccit.config import Config
from ccit.events import RecordReceived, ReplicaReported, SampleAdmitted, SampleRejected, encode
from ccit.ingest.rows import record_from_row
from ccit.lineage import Lineage
from ccit.pool import joined
from ccit.records import AdapterPair, Announcement, Artifact, Decision, OffsetRange, ReplicaReport, Version
from ccit.store.files import FileStore
from ccit.vectors import encode_vector
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from consumers.reading import event_in
from consumers.round_log import announced
from tests.crash.parts import HashEmbedder
from tests.nouns import sample, version

WAIT_S = 60.0


class Runs(Protocol):
    """A consumer."""

    def run(self) -> None: ...


@contextmanager
def running(consumer: Runs, stop: Callable[[], None]) -> Iterator[None]:
    """Run it in a thread, and end it with the block; what it raised is raised here."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            consumer.run()
        except BaseException as problem:  # noqa: BLE001 - handed to the test, which raises it
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(WAIT_S)
    assert not thread.is_alive()
    if problems:
        raise problems[0]


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def config_for(settings: KafkaSettings, root: Path, **sections: Mapping[str, Any]) -> Config:
    """A configuration for the shared broker; `sections` come on top."""
    values: dict[str, dict[str, Any]] = {
        "kafka": {
            "bootstrap_servers": settings.bootstrap_servers,
            "prefix": settings.prefix,
            "linger_seconds": 0.05,
            "create_topics": False,
        },
        "selection": {
            "checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 2.0}, "novelty": {"max_similarity": 0.9}}
        },
        "store": {"root": str(root)},
        "serving": {"port": 0},
    }
    for name, keys in sections.items():
        values[name] = {**values.get(name, {}), **keys}
    return Config.model_validate(values)


def feed(settings: KafkaSettings, rows: Sequence[tuple[str, str]]) -> None:
    """Records (id, response), all on one partition, so that their order is given."""
    client = producer(settings)
    for record_id, response in rows:
        row = {"instruction": "What?", "output": response, "id": record_id, "source": "ward", "lang": "en"}
        record = record_from_row(row, 0.0)
        value, headers = encode(RecordReceived(record), at=0.0, source="test")
        client.produce(Topics(settings.prefix).records.name, value, b"key", partition=0, headers=list(headers))
    assert client.flush(30.0) == 0


def admit(settings: KafkaSettings, count: int, first: int = 0) -> None:
    """Accepted samples number `first` and on, as a scorer writes them."""
    embedder, client = HashEmbedder(), producer(settings)
    for number in range(first, first + count):
        one = sample(number)
        vector = encode_vector(embedder.embed([one.response])[0])
        decision = Decision(one, True, "accepted")
        value, headers = encode(
            SampleAdmitted(decision, one.content_digest, embedder.stamp, vector), at=0.0, source="test"
        )
        client.produce(Topics(settings.prefix).samples.name, value, one.sample_id, headers=list(headers))
    assert client.flush(30.0) == 0


def messages_of(settings: KafkaSettings, name: str) -> list[KafkaMessage]:
    topic = next(topic for topic in Topics(settings.prefix) if topic.name == f"{settings.prefix}{name}")
    with Follower(settings, topic) as reader:
        return reader.catch_up()


def decisions(settings: KafkaSettings) -> dict[str, Decision]:
    """Record id -> its one decision."""
    found: dict[str, Decision] = {}
    for message in (*messages_of(settings, "samples"), *messages_of(settings, "rejects")):
        event = event_in(message)
        assert isinstance(event, SampleAdmitted | SampleRejected)
        assert event.decision.sample.record_id not in found, "decided twice"
        found[event.decision.sample.record_id] = event.decision
    return found


def reports(settings: KafkaSettings, replica_id: str) -> list[ReplicaReport]:
    """All that a replica said, in order."""
    key = replica_id.encode()
    events = [event_in(message) for message in messages_of(settings, "replica-status") if message.key == key]
    return [event.report for event in events if isinstance(event, ReplicaReported)]


def replica(settings: KafkaSettings, replica_id: str) -> ReplicaReport | None:
    """What a replica said last."""
    return next(reversed(reports(settings, replica_id)), None)


class Trainer:
    """Announces versions as the trainer does, without training any."""

    def __init__(self, settings: KafkaSettings, root: Path, base: Version) -> None:
        self._settings = settings
        self._store = FileStore(root)
        self.lineage = Lineage(base)

    def store(self, deployed: Mapping[str, bytes], proxy: Mapping[str, bytes]) -> AdapterPair:
        return AdapterPair(self._put(deployed), self._put(proxy))

    def promote(self, adapters: AdapterPair, used: Sequence[OffsetRange] = ()) -> None:
        incumbent = self.lineage.incumbent
        made = version(self.lineage.next_number(), incumbent.number, joined((*incumbent.consumed, *used)))
        self._announce(self.lineage.promote(replace(made, alias=incumbent.alias, adapters=adapters), 0.0))

    def roll_back(self, to: int) -> None:
        self._announce(self.lineage.roll_back(to, 0.0))

    def _put(self, files: Mapping[str, bytes]) -> Artifact:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            return self._store.put(Path(folder))

    def _announce(self, announcement: Announcement) -> None:
        self.lineage.apply(announcement)
        client = producer(self._settings)
        for output in announced(announcement, Topics(self._settings.prefix)):
            client.produce(output.topic, output.value, output.key, output.partition or 0, headers=list(output.headers))
        assert client.flush(30.0) == 0


@contextmanager
def damaged(root: Path, artifact: Artifact) -> Iterator[None]:
    """One bit of one file is wrong while the block runs."""
    path = root / "objects" / sorted(artifact.files.items())[-1][1]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    yield
    path.write_bytes(content)

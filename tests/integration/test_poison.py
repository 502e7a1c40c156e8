"""The poison corpus on real Apache Kafka: through `ccit ingest` and a scorer, and back by `ccit dead-letters redrive`.

The scorer is the real consumer over the stub ports of the crash matrix (an embedder and an IFD drawn from hashes); what
it reads, refuses and writes is the same.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer

from consumers.dead_letters import MAX_VALUE_BYTES, DeadLetter, letter_in, original_headers
from consumers.kafka.clients import KafkaSettings, producer, producer_config
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Headers, KafkaMessage
from consumers.kafka.topics import Topic, Topics
from tests.poison.corpus import FORGED, MAX_BYTES, RAW, RECORDS, SECRET, Poison, good_record, raw
from tests.poison.wire import produce_oversized_batch, produce_unreadable_header

_ROOT = Path(__file__).parents[2]
_WAIT_S = 120.0
_PARTITIONS = 6

Place = tuple[int, int]


class Site:
    """One system under test: its settings, its processes, and what a read-committed reader sees of it."""

    def __init__(self, settings: KafkaSettings, root: Path) -> None:
        self.settings = settings
        self.topics = Topics(settings.prefix)
        self.environment = {
            **os.environ,
            "CCIT_KAFKA__BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "CCIT_KAFKA__PREFIX": settings.prefix,
            "CCIT_KAFKA__BATCH_SIZE": "32",
            "CCIT_STORE__ROOT": str(root / "store"),
            "CCIT_INGEST__MAX_BYTES": str(MAX_BYTES),
            "CCIT_SELECTION__CHECKS__LENGTH__MIN": "0",
            "CCIT_SELECTION__CHECKS__IFD__MIN": "0",
            "CCIT_SELECTION__CHECKS__IFD__MAX": "2",
            "CCIT_MODELS__DEPLOYED_REVISION": "0" * 40,  # of models that nobody loads here
            "CCIT_MODELS__PROXY_REVISION": "0" * 40,
        }
        self._config = root / "empty.toml"
        self._config.touch()
        self._root = root
        self._running: dict[subprocess.Popen[bytes], Path] = {}

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """`ccit ingest`, or the scorer over stubs."""
        arguments = (
            ["-m", "ccit.cli.main", "ingest", "--instance", "0"]
            if role == "ingest"
            else ["-m", "tests.crash.process", "score", str(self._config), "0"]
        )
        said = self._root / f"{len(self._running)}.stderr"  # not a pipe: nobody would read it before the end
        with said.open("w") as file:
            process = subprocess.Popen([sys.executable, *arguments], cwd=_ROOT, env=self.environment, stderr=file)
        self._running[process] = said
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """A clean end: the poison killed nobody."""
        process.terminate()
        assert process.wait(_WAIT_S) == 0, self._running[process].read_text()

    def ccit(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """One command line, to its end."""
        command = [sys.executable, "-m", "ccit.cli.main", *arguments]
        return subprocess.run(command, cwd=_ROOT, env=self.environment, capture_output=True, timeout=_WAIT_S)

    def messages(self, *topics: Topic) -> list[KafkaMessage]:
        """All that is committed on these topics now."""
        found = []
        for topic in topics:
            with Follower(self.settings, topic) as follower:
                found += follower.catch_up()
        return found

    def await_messages(self, count: int, *topics: Topic) -> list[KafkaMessage]:
        """All on these topics, once there are so many."""
        deadline = time.monotonic() + _WAIT_S
        while len(found := self.messages(*topics)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} came"
            time.sleep(0.3)
        return found

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._running:
            process.kill()
            process.wait()


@pytest.fixture
def site(settings: KafkaSettings, tmp_path: Path) -> Iterator[Site]:
    one = Site(settings, tmp_path)
    yield one
    one.end()


def publish(
    client: Producer, topic: Topic, poisons: Sequence[Poison], good: Callable[[int], tuple[bytes, Headers]]
) -> dict[Place, Poison]:
    """Each poison between two good messages of its partition; where each poison is now."""
    places: dict[Place, Poison] = {}
    for number, poison in enumerate(poisons):

        def delivered(error: object, message: object, poison: Poison = poison) -> None:
            assert error is None, error
            places[message.partition(), message.offset()] = poison  # type: ignore[attr-defined]  # a confluent Message

        value, headers = good(number)
        partition = number % _PARTITIONS
        client.produce(topic.name, value=value, partition=partition, headers=list(headers))
        client.produce(
            topic.name,
            value=poison.value,
            key=b"key",
            partition=partition,
            headers=list(poison.headers),
            on_delivery=delivered,
        )
        client.poll(0)
    for partition in range(_PARTITIONS):
        value, headers = good(len(poisons) + partition)
        client.produce(topic.name, value=value, partition=partition, headers=list(headers))
    assert client.flush(60.0) == 0
    return places


def require_letters(letters: Sequence[DeadLetter], places: dict[Place, Poison], topic: Topic, stage: str) -> None:
    """One letter for each poison, with all that was asked for, and no other."""
    assert sorted((letter.partition, letter.offset) for letter in letters) == sorted(places)
    for letter in letters:
        poison = places[letter.partition, letter.offset]
        assert (letter.topic, letter.stage, letter.attempts) == (topic.name, stage, 1)
        assert letter.reason == poison.reason, poison.name
        assert SECRET not in letter.error
        assert (letter.key, letter.value) == (b"key", poison.value), poison.name
        assert poison is FORGED or letter.headers == poison.headers, poison.name


def test_raw_poison_becomes_one_dead_letter_each_and_the_partitions_move_on(site: Site) -> None:
    topics = site.topics
    ingest = site.start("ingest")
    client = producer(site.settings)
    places = publish(client, topics.raw, RAW, lambda number: (raw(id=f"good-{number}"), ()))
    records = site.await_messages(len(RAW) + _PARTITIONS, topics.records)
    letters = [letter_in(message) for message in site.await_messages(len(RAW), topics.dead_letters)]
    site.stop(ingest)
    require_letters(letters, places, topics.raw, "ingest")
    ids = sorted(orjson.loads(message.value or b"")["record"]["record_id"] for message in records)
    assert ids == sorted(f"ward:good-{number}" for number in range(len(RAW) + _PARTITIONS))


def test_a_poisoned_record_becomes_one_dead_letter_each_and_its_neighbours_are_decided(site: Site) -> None:
    topics = site.topics
    score = site.start("score")
    places = publish(producer(site.settings), topics.records, RECORDS, good_record)
    site.await_messages(len(RECORDS) + _PARTITIONS, topics.samples, topics.rejects)
    letters = [letter_in(message) for message in site.await_messages(len(RECORDS), topics.dead_letters)]
    site.stop(score)
    require_letters(letters, places, topics.records, "score")
    decided = [
        orjson.loads(m.value or b"")["decision"]["sample"] for m in site.messages(topics.samples, topics.rejects)
    ]
    expected = [f"ward:{number}" for number in range(len(RECORDS) + _PARTITIONS)]
    assert sorted(sample["record_id"] for sample in decided) == sorted(expected)


def test_a_message_that_unpacks_to_more_than_a_dead_letter_holds_is_cut(site: Site) -> None:
    huge = b"x" * 40_000_000
    client = Producer(producer_config(site.settings) | {"message.max.bytes": 50_000_000})  # as a hospital might
    client.produce(site.topics.raw.name, value=huge, partition=0)
    client.produce(site.topics.raw.name, value=raw(), partition=0)
    assert client.flush(60.0) == 0
    ingest = site.start("ingest")
    site.await_messages(1, site.topics.records)
    (letter,) = [letter_in(message) for message in site.await_messages(1, site.topics.dead_letters)]
    site.stop(ingest)
    assert letter.reason == "too_large"
    assert letter.value == huge[:MAX_VALUE_BYTES]
    assert letter.cut.startswith("40000000 bytes in all")
    refused = site.ccit("dead-letters", "redrive", str(letter.number))
    assert refused.returncode == 1
    assert b"too large to be kept whole" in refused.stdout


@pytest.mark.parametrize("role", ["ingest", "score"])
def test_a_header_name_that_is_no_text_costs_one_dead_letter_and_no_process(site: Site, role: str) -> None:
    topic = site.topics.raw if role == "ingest" else site.topics.records
    decided = (site.topics.records,) if role == "ingest" else (site.topics.samples, site.topics.rejects)
    value, headers = (raw(id="good"), ()) if role == "ingest" else good_record(1)
    process = site.start(role)
    produce_unreadable_header(site.settings, topic, raw(id="abused"), partition=2)
    client = producer(site.settings)
    client.produce(topic.name, value=value, headers=list(headers), partition=2)
    assert client.flush(30.0) == 0
    site.await_messages(1, *decided)
    (letter,) = [letter_in(message) for message in site.await_messages(1, site.topics.dead_letters)]
    site.stop(process)
    assert (letter.topic, letter.partition, letter.offset, letter.stage) == (topic.name, 2, 0, role)
    assert (letter.reason, letter.key, letter.value, letter.headers) == ("wrong_schema", b"key", raw(id="abused"), ())
    assert "header names in UTF-8" in letter.error
    assert len(site.messages(*decided)) == 1


def test_a_header_name_that_is_no_text_is_skipped_on_the_topics_of_ccit(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    topics = site.topics
    own = (topics.dead_letters, topics.rounds, topics.model_versions, topics.replica_status, topics.commands)
    client = producer(site.settings)
    for topic in (topics.samples, *own):
        produce_unreadable_header(site.settings, topic, raw())
        client.produce(topic.name, value=b"behind", key=b"k", partition=0)
        assert client.flush(30.0) == 0
        caplog.clear()
        assert [message.value for message in site.messages(topic)] == [b"behind"]
        assert f"skipped {topic.name}[0]@0: expected header names in UTF-8" in caplog.text
    for command in (("versions",), ("status",), ("dead-letters", "list"), ("verify",)):
        done = site.ccit(*command)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("count", [1, 5])
def test_what_no_client_can_unpack_costs_one_dead_letter_a_batch_and_its_partition_moves_on(
    site: Site, count: int
) -> None:
    topic = site.topics.raw
    client = producer(site.settings)
    client.produce(topic.name, value=raw(id="before"), partition=1)
    assert client.flush(30.0) == 0
    produce_oversized_batch(site.settings, topic, count=count, size=120_000_000 // count, partition=1)
    client.produce(topic.name, value=raw(id="behind"), partition=1)
    assert client.flush(30.0) == 0
    ingest = site.start("ingest")
    site.await_messages(2, site.topics.records)
    site.stop(ingest)
    again = site.start("ingest")  # the offset is behind the batch, as a whole
    client.produce(topic.name, value=raw(id="later"), partition=1)
    assert client.flush(30.0) == 0
    records = site.await_messages(3, site.topics.records)
    (letter,) = [letter_in(message) for message in site.messages(site.topics.dead_letters)]
    site.stop(again)
    ids = [orjson.loads(message.value or b"")["record"]["record_id"] for message in records]
    assert sorted(ids) == ["ward:before", "ward:behind", "ward:later"]
    assert (letter.topic, letter.partition, letter.offset, letter.reason) == (topic.name, 1, 1, "too_large")
    assert (letter.key, letter.value, letter.headers) == (None, None, ())
    assert ("offset 1 " if count == 1 else "offsets 1 to 5") in letter.error
    assert "digests unknown" in letter.cut
    refused = site.ccit("dead-letters", "redrive", str(letter.number))
    assert refused.returncode == 1
    assert b"too large to be kept whole" in refused.stdout


def test_a_dead_letter_is_listed_shown_re_driven_and_becomes_a_record(site: Site) -> None:
    topics = site.topics
    ingest = site.start("ingest")
    large = raw(id="large", output="x" * MAX_BYTES)
    broken = b'{"instruction": "\x1b]0;owned\x07\xff'
    headers = [("traceparent", b"00-1"), ("bin", b"\xff\x00")]
    client = producer(site.settings)
    client.produce(topics.raw.name, value=large, key=b"k", partition=2, headers=list(headers))
    client.produce(topics.raw.name, value=broken, partition=2)
    client.flush(30.0)
    site.await_messages(2, topics.dead_letters)
    site.stop(ingest)

    listed = orjson.loads(site.ccit("dead-letters", "list", "--json").stdout)
    by_reason = {letter["reason"]: letter for letter in listed}
    assert sorted(by_reason) == ["not_json", "too_large"]
    one = by_reason["too_large"]
    assert (one["topic"], one["partition"], one["attempts"], one["size_bytes"]) == (topics.raw.name, 2, 1, len(large))
    table = site.ccit("dead-letters", "list", "--reason", "too_large").stdout
    assert b"too_large" in table
    assert b"not_json" not in table

    shown = site.ccit("dead-letters", "show", str(by_reason["not_json"]["number"])).stdout
    assert b"\x1b" not in shown
    assert b"\\x1b]0;owned\\x07\\xff" in shown
    assert site.ccit("dead-letters", "show", str(one["number"]), "--raw").stdout == large
    whole = orjson.loads(site.ccit("dead-letters", "show", str(one["number"]), "--json").stdout)
    assert base64.b64decode(whole["headers"][1]["value_base64"]) == b"\xff\x00"
    assert site.ccit("dead-letters", "show", "999").returncode == 2

    assert site.ccit("dead-letters", "redrive").returncode == 2
    dry = site.ccit("dead-letters", "redrive", "--all", "--dry-run")
    assert dry.stdout.count(b"would go back") == 2
    assert len(site.messages(topics.raw)) == 2

    site.environment["CCIT_INGEST__MAX_BYTES"] = str(2 * MAX_BYTES)  # the cause is mended
    sent = site.ccit("dead-letters", "redrive", "--all")
    assert sent.returncode == 0, sent.stderr
    assert b"2 re-driven, 0 refused" in sent.stdout
    again = site.messages(topics.raw)[-2:]
    assert {message.value for message in again} == {large, broken}
    back = next(message for message in again if message.value == large)
    assert (back.key, original_headers(back), back.header("ccit_attempts")) == (b"k", tuple(headers), b"1")

    ingest = site.start("ingest")
    (record,) = site.await_messages(1, topics.records)
    assert orjson.loads(record.value or b"")["record"]["record_id"] == "ward:large"
    site.await_messages(5, topics.dead_letters)  # two letters, two markers, and the one that is still broken
    site.stop(ingest)
    (waiting,) = orjson.loads(site.ccit("dead-letters", "list", "--json").stdout)
    assert (waiting["reason"], waiting["attempts"]) == ("not_json", 2)
    assert len(orjson.loads(site.ccit("dead-letters", "list", "--all", "--json").stdout)) == 3
    twice = site.ccit("dead-letters", "redrive", str(one["number"]))
    assert twice.returncode == 1
    assert b"re-driven already" in twice.stdout


def test_a_letter_that_came_back_too_often_is_refused_unless_forced(site: Site) -> None:
    client = producer(site.settings)
    client.produce(site.topics.raw.name, value=b"broken", headers=[("ccit_attempts", b"4"), ("ccit_redriven", b"0")])
    client.flush(30.0)
    ingest = site.start("ingest")
    (message,) = site.await_messages(1, site.topics.dead_letters)
    site.stop(ingest)
    assert letter_in(message).attempts == 5
    refused = site.ccit("dead-letters", "redrive", "--all")
    assert b"0 re-driven, 1 refused" in refused.stdout
    assert b"--force" in refused.stdout
    forced = site.ccit("dead-letters", "redrive", str(message.offset), "--force")
    assert b"1 re-driven, 0 refused" in forced.stdout

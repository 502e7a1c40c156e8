"""`samples` is given more partitions while a scorer runs: what is admitted there is known, and pooled."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from ccit.events import SampleAdmitted, encode
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.records import Decision
from ccit.vectors import encode_vector
from consumers.kafka import follower
from consumers.kafka.clients import KafkaSettings, client_config, group_consumer, producer
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader
from consumers.score import ScoreConsumer
from tests.crash.parts import HashEmbedder, stub_scoring
from tests.integration.following import config_for, decisions, feed, running, until


def admitted_elsewhere(settings: KafkaSettings, rows: list[tuple[str, str]], partition: int) -> None:
    """As another scorer writes them, into one of the new partitions."""
    client, embedder = producer(settings), HashEmbedder()
    for record_id, response in rows:
        row = {"instruction": "What?", "output": response, "id": record_id, "source": "ward", "lang": "en"}
        sample = sample_from_record(record_from_row(row, 0.0))
        vector = encode_vector(embedder.embed([sample.response])[0])
        admitted = SampleAdmitted(Decision(sample, True, "accepted"), sample.content_digest, embedder.stamp, vector)
        value, headers = encode(admitted, at=0.0, source="test")
        client.produce(Topics(settings.prefix).samples.name, value, b"k", partition, headers=list(headers))
    assert client.flush(30.0) == 0


def test_copies_are_refused_wherever_the_first_lies(
    settings: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_LOOK_S", 0.2)
    config, topic = config_for(settings, tmp_path), Topics(settings.prefix).samples
    consumer = ScoreConsumer(config, stub_scoring(config, 0.0), "a")
    pool_reader = PoolReader(settings, topic, 100)
    member = group_consumer(settings, f"{settings.prefix}train", mark_ends=True)
    member.subscribe([topic.name], on_assign=lambda c, places: pool_reader.assigned(c, places, {}, lambda: False))
    pool_reader.begin(member)
    with running(consumer, consumer.loop.stop):
        until(lambda: read(pool_reader, member) and pool_reader.complete, "the trainer has read four partitions")
        client = AdminClient(client_config(settings))
        client.create_partitions([NewPartitions(topic.name, 8)])[topic.name].result()
        admitted_elsewhere(settings, [(f"first-{n}", f"answer {n}") for n in range(20)], partition=6)
        until(lambda: len(consumer.known) == 20, "the scorer knows them")
        feed(settings, [(f"copy-{n}", f"answer {n}") for n in range(20)])
        until(lambda: sum(consumer.step.decided.values()) == 20, "the copies are decided")
        until(lambda: read(pool_reader, member) and len(pool_reader.pool) == 20, "the trainer pools them")
        until(lambda: read(pool_reader, member) and pool_reader.complete, "and has read all eight")
    member.close()
    assert {one.reason for key, one in decisions(settings).items() if ":copy-" in key} == {"exact_duplicate"}


def read(pool_reader: PoolReader, member: Consumer) -> bool:
    pool_reader.read(member, unbounded=False)
    return True

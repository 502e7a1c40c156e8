"""A round that outlasts `max.poll.interval.ms` several times over: the trainer keeps its partitions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from ccit.events import CandidateJudged, RoundPlanned
from ccit.ports.training import Progress
from ccit.records import Candidate, Material, Round, Version
from consumers import train as train_module
from consumers.kafka.clients import KafkaSettings, consumer_config
from consumers.reading import event_in
from consumers.train import TrainConsumer
from tests.crash.parts import HashTrainer, stub_trainer_parts
from tests.integration.following import admit, config_for, messages_of, running, until

ROUND_S = 10.0
POLL_INTERVAL_MS = 2500  # the loop polls many times a second; a loaded machine has the rest


class CountingTrainer(HashTrainer):
    """Counts how often it is asked."""

    asked = 0

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        self.asked += 1
        return super().train(planned, material, parent, progress)


def test_a_long_round_keeps_its_assignment(
    settings: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(settings, tmp_path, rounds={"size": 20, "min_size": 10, "sources": {"general": False}})
    parts = stub_trainer_parts(config, 0.0)
    training = CountingTrainer(parts.trainer._artifacts, ROUND_S)  # type: ignore[attr-defined]  # the stub's
    trainer = TrainConsumer(config, replace(parts, trainer=training), "a")
    lost: list[TopicPartition] = []
    revoked = TrainConsumer._revoked

    def counted(self: TrainConsumer, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not self._stop.is_set():
            lost.extend(partitions)
        revoked(self, consumer, partitions)

    def impatient(settings: KafkaSettings, group: str, *, mark_ends: bool) -> Consumer:
        quick = {"max.poll.interval.ms": POLL_INTERVAL_MS, "enable.partition.eof": mark_ends}
        return Consumer(consumer_config(settings, group) | quick)

    monkeypatch.setattr(TrainConsumer, "_revoked", counted)
    monkeypatch.setattr(train_module, "group_consumer", impatient)
    admit(settings, 20)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().progress[0] == "train", "the round is at work")
        assert trainer.state().pooled == 20
        until(lambda: trainer.state().judged == 1, "the round is judged")
        assert trainer.state().pooled == 0
    events = [event_in(message) for message in messages_of(settings, "rounds")]
    assert [type(event) for event in events if isinstance(event, RoundPlanned | CandidateJudged)] == [
        RoundPlanned,
        CandidateJudged,
    ]
    assert (lost, training.asked) == ([], 1)

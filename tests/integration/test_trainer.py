"""The trainer on real Kafka: what operators ask, partitions that go and come back, lives that follow one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from ccit.config import Config
from ccit.errors import ArtifactDamaged
from ccit.events import CandidateJudged, Event, RoundPlanned
from ccit.records import Round
from consumers import train as train_module
from consumers.commands import issue
from consumers.connection import commit_protocol
from consumers.kafka.clients import KafkaSettings, client_config, consumer_config, group_consumer
from consumers.kafka.commit import BatchAborted, CommitProtocol
from consumers.kafka.messages import Delivered, GroupOffset, Output
from consumers.kafka.topics import Topics
from consumers.reading import event_in
from consumers.train import TrainConsumer
from tests.crash.parts import base_version, stub_trainer_parts
from tests.integration.following import Trainer, admit, config_for, damaged, messages_of, replica, running, until

SIZE, MIN_SIZE = 20, 10


class Died(Exception):
    """A process that ends where it stands."""


@dataclass
class Watched:
    """The real commit protocol; refuses or dies before a transaction when told to, and keeps what was asked."""

    inner: CommitProtocol
    refusals: int = 0
    dies_on_a_plan: bool = False
    asked: list[list[GroupOffset]] = field(default_factory=list)
    plans: list[list[GroupOffset]] = field(default_factory=list)

    def open(self) -> None:
        self.inner.open()

    def close(self) -> None:
        self.inner.close()

    def commit(
        self,
        outputs: Sequence[Output],
        positions: Sequence[GroupOffset],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        self.asked.append(list(positions))
        plans = any(output.topic.endswith("rounds") for output in outputs)
        if self.refusals:
            self.refusals -= 1
            raise BatchAborted("refused by the test")
        if plans and self.dies_on_a_plan:
            raise Died
        done = self.inner.commit(outputs, positions, consumer, membership)
        if plans:
            self.plans.append(list(positions))
        return done


@pytest.fixture
def config(settings: KafkaSettings, tmp_path: Path) -> Config:
    return config_for(settings, tmp_path, rounds={"size": SIZE, "min_size": MIN_SIZE, "sources": {"general": False}})


Start = Callable[..., tuple[TrainConsumer, Watched]]


@pytest.fixture
def life(settings: KafkaSettings, config: Config, monkeypatch: pytest.MonkeyPatch) -> Start:
    """One more life of the same trainer; its rounds take `pace_s` seconds."""

    def start(pace_s: float = 0.0, refusals: int = 0, *, dies_on_a_plan: bool = False) -> tuple[TrainConsumer, Watched]:
        watched = Watched(commit_protocol(settings, "train-ccit", alone=True), refusals, dies_on_a_plan)
        monkeypatch.setattr(train_module, "commit_protocol", lambda *_, **__: watched)
        return TrainConsumer(config, stub_trainer_parts(config, pace_s), "a"), watched

    return start


def told(settings: KafkaSettings) -> list[Event | None]:
    return [event_in(message) for message in messages_of(settings, "rounds")]


def planned(settings: KafkaSettings) -> list[Round]:
    return [event.planned for event in told(settings) if isinstance(event, RoundPlanned)]


def judged(settings: KafkaSettings) -> list[str]:
    return [event.round_id for event in told(settings) if isinstance(event, CandidateJudged)]


def answered_to(settings: KafkaSettings) -> int:
    """The group's offset on the commands topic."""
    asker = group_consumer(settings, f"{settings.prefix}train")
    found = asker.committed([TopicPartition(Topics(settings.prefix).commands.name, 0)], timeout=30)
    asker.close()
    return found[0].offset


def held(settings: KafkaSettings, trainer: TrainConsumer) -> None:
    """Ask for a hold and wait for it: whatever was asked before has had its turn."""
    issue(settings, "ccit", "hold")
    until(lambda: trainer.state().held, "held")


# -- commands -------------------------------------------------------------------------------------------------------


def test_an_aborted_command_keeps_later_ones_waiting(settings: KafkaSettings, life: Start) -> None:
    for verb in ("resume", "rollback", "hold"):
        issue(settings, "ccit", verb)
    trainer, watched = life(refusals=2)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().held, "all are obeyed")
    assert [place.offset for asked in watched.asked for place in asked] == [1, 1, 1, 2, 3]
    assert answered_to(settings) == 3


def test_a_round_now_outlives_a_trainer_that_dies_before_its_plan(settings: KafkaSettings, life: Start) -> None:
    admit(settings, MIN_SIZE)
    command = issue(settings, "ccit", "round-now")
    trainer, watched = life(dies_on_a_plan=True)
    with pytest.raises(Died), running(trainer, trainer.stop):
        until(lambda: bool(watched.asked), "it was about to plan")
    assert (planned(settings), answered_to(settings) > 0) == ([], False)

    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 1, "planned by the next life")
    assert [command.command_id in one.due.detail for one in planned(settings)] == [True]
    assert answered_to(settings) == 1

    admit(settings, MIN_SIZE, first=MIN_SIZE)
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().pooled == MIN_SIZE, "it could plan again")
        held(settings, trainer)
    assert len(planned(settings)) == 1


def test_a_round_now_with_too_few_samples_is_answered_at_once(settings: KafkaSettings, life: Start) -> None:
    admit(settings, MIN_SIZE - 1)
    issue(settings, "ccit", "round-now")
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: answered_to(settings) == 1, "answered")
        until(lambda: "no round" in detail(settings), "said on replica-status")
        assert f"{MIN_SIZE - 1} samples pooled, {MIN_SIZE} needed" in detail(settings)
        admit(settings, MIN_SIZE, first=MIN_SIZE)
        until(lambda: trainer.state().pooled > MIN_SIZE, "there are enough now")
        held(settings, trainer)
    assert planned(settings) == []


def test_a_round_now_waits_for_the_round_at_work_and_for_resume(settings: KafkaSettings, life: Start) -> None:
    admit(settings, SIZE)
    trainer, _ = life(pace_s=3.0)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().progress[0] == "train", "a round is at work")
        command = issue(settings, "ccit", "round-now")
        held(settings, trainer)  # does not wait
        admit(settings, MIN_SIZE, first=SIZE)
        until(lambda: trainer.state().judged == 1, "the round has ended")
        until(lambda: trainer.state().pooled == MIN_SIZE, "there are enough for another")
    assert len(planned(settings)) == 1
    trainer, _ = life()
    with running(trainer, trainer.stop):
        issue(settings, "ccit", "resume")
        until(lambda: trainer.state().judged == 2, "the round that was asked for")
        held(settings, trainer)
    assert [one.due.trigger for one in planned(settings)] == ["size", "command"]
    assert command.command_id in planned(settings)[1].due.detail


def test_a_plan_carries_the_offset_of_commands_along(settings: KafkaSettings, life: Start) -> None:
    """A broker forgets an offset that was not committed for a week, and every old command would be obeyed again."""
    issue(settings, "ccit", "hold")
    issue(settings, "ccit", "resume")
    trainer, watched = life()
    with running(trainer, trainer.stop):
        until(lambda: len(watched.asked) == 2, "both are obeyed")
        admit(settings, SIZE)
        until(lambda: trainer.state().judged == 1, "judged")
    assert GroupOffset(Topics(settings.prefix).commands.name, 0, 2) in watched.plans[0]


def detail(settings: KafkaSettings) -> str:
    report = replica(settings, "train-a")
    return report.detail if report else ""


# -- samples --------------------------------------------------------------------------------------------------------


class Sipping(Consumer):
    """Reads so little at a time that one partition fills the pool before the next has its turn."""

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        return super().consume(min(num_messages, 5), timeout)


def test_a_full_pool_does_not_keep_an_unfinished_round_from_its_samples(
    settings: KafkaSettings, life: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit(settings, SIZE)
    trainer, _ = life(pace_s=60.0)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().progress[0] == "train", "a round is at work")
    admit(settings, 10 * SIZE, first=SIZE)
    monkeypatch.setattr(train_module, "_POOL_CAP_ROUNDS", 1)
    monkeypatch.setattr(
        train_module,
        "group_consumer",
        lambda settings, group, *, mark_ends: Sipping(
            consumer_config(settings, group) | {"enable.partition.eof": mark_ends}
        ),
    )
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: bool(judged(settings)), "it is taken up")
    assert judged(settings)[0] == planned(settings)[0].round_id


def test_a_round_whose_partitions_went_is_taken_up_when_they_are_back(settings: KafkaSettings, life: Start) -> None:
    admit(settings, SIZE)
    trainer, _ = life(pace_s=5.0)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().progress[0] == "train", "a round is at work")
        other = group_consumer(settings, f"{settings.prefix}train")
        other.subscribe([Topics(settings.prefix).samples.name])
        until(lambda: other.poll(0.1) is not None, "another member has some of the partitions")
        assert trainer.state().progress[0] == ""
        assert judged(settings) == []
        other.close()
        until(lambda: trainer.state().judged == 1, "judged")
        until(lambda: trainer.state().pooled == 0, "its samples are used")
    assert [one.round_id for one in planned(settings)] == judged(settings)


def test_no_sample_is_used_twice_when_the_broker_has_forgotten_the_groups_offsets(
    settings: KafkaSettings, life: Start
) -> None:
    """It does, a week after the last member has left; the audit line stays."""
    admit(settings, SIZE)
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 1, "the first round")
    group = f"{settings.prefix}train"
    admin = AdminClient(client_config(settings))  # named: once it is collected, nothing is answered any more
    for done in admin.delete_consumer_groups([group]).values():
        done.result(30)
    admit(settings, SIZE, first=SIZE)
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 2, "the second round")
        until(lambda: trainer.state().pooled == 0, "nothing waits")
    used = [sample for one in planned(settings) for sample in (*one.sample_ids, *one.validation_ids)]
    assert sorted(used) == sorted(f"s{number}" for number in range(2 * SIZE))


def test_a_damaged_incumbent_ends_the_trainer_and_uses_no_samples_up(
    settings: KafkaSettings, config: Config, life: Start
) -> None:
    announcer = Trainer(settings, config.store.root, base_version(config))
    pair = announcer.store({"adapter.json": b'{"skill": 0.25}'}, {"adapter.json": b'{"skill": 0.5}'})
    announcer.promote(pair)
    admit(settings, SIZE)
    trainer, _ = life()
    with damaged(config.store.root, pair.deployed):
        with pytest.raises(ArtifactDamaged):
            trainer.run()
        assert judged(settings) == []
    trainer, _ = life()
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 1, "the same round, once that is mended")
    assert [one.round_id for one in planned(settings)] == judged(settings)

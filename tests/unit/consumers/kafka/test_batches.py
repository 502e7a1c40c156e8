"""The loop on the embedded broker, in this process: aborts, slow steps, limits and stops."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from confluent_kafka import Consumer

from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.commit import BatchAborted
from consumers.kafka.follower import Follower
from consumers.kafka.member import Member
from consumers.kafka.messages import Delivered, GroupOffset, KafkaMessage, Output
from consumers.kafka.topics import Topics
from tests.unit.consumers.kafka.conftest import Publish


class Run:
    """A loop that copies until everything was told, and what it told."""

    def __init__(self, settings: KafkaSettings, expected: int, commit: AtLeastOnce, limits: BatchLimits) -> None:
        self.topics = Topics(settings.prefix)
        self.batches: list[int] = []
        self.told: list[Delivered] = []
        self.aborts = 0
        self._expected = expected
        self.loop = BatchLoop(
            settings,
            "g",
            [self.topics.records.name],
            self.step,
            commit,
            limits=limits,
            on_committed=self.committed,
            on_aborted=self.aborted,
        )

    def step(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        self.batches.append(len(messages))
        return [Output(self.topics.samples.name, m.key, m.value) for m in messages]

    def committed(self, delivered: Sequence[Delivered]) -> None:
        self.told += delivered
        if len(self.told) >= self._expected:
            self.loop.stop()

    def aborted(self) -> None:
        self.aborts += 1


class AbortsFirst(AtLeastOnce):
    """Refuses the first two commits before anything is written."""

    refusals = 2

    def commit(
        self,
        outputs: Sequence[Output],
        positions: Sequence[GroupOffset],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        if self.refusals:
            self.refusals -= 1
            raise BatchAborted("refused for the test")
        return super().commit(outputs, positions, consumer, membership)


def test_delivered_places_are_where_the_outputs_are(settings: KafkaSettings, publish: Publish) -> None:
    keys = publish(100)
    run = Run(settings, 100, AtLeastOnce(settings), BatchLimits(batch_size=30))
    run.loop.run()
    assert max(run.batches) <= 30
    with Follower(settings, run.topics.samples) as reader:
        found = {(m.partition, m.offset): m.key for m in reader.catch_up()}
    assert {(d.partition, d.offset): d.output.key for d in run.told} == found
    assert sorted(found.values(), key=lambda key: int(key or b"-1")) == keys


def test_an_aborted_batch_comes_again_and_is_told_once(settings: KafkaSettings, publish: Publish) -> None:
    keys = publish(50)
    run = Run(settings, 50, AbortsFirst(settings), BatchLimits(batch_size=20))
    run.loop.run()
    assert run.aborts == run.loop.counters.aborted == 2
    assert sorted((d.output.key or b"") for d in run.told) == sorted(keys)
    assert run.loop.counters.messages == 50


def test_the_member_is_told_where_the_group_has_moved(
    settings: KafkaSettings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: dict[int, int] = {}
    told = Member.committed

    def noted(member: Member, offsets: Sequence[GroupOffset]) -> None:
        moved.update({one.partition: one.offset for one in offsets})
        told(member, offsets)

    monkeypatch.setattr(Member, "committed", noted)
    publish(50)
    Run(settings, 50, AbortsFirst(settings), BatchLimits(batch_size=20)).loop.run()
    assert sum(moved.values()) == 50


def test_batches_are_bounded_by_bytes(settings: KafkaSettings, publish: Publish) -> None:
    publish(20, size=10_000)
    run = Run(settings, 20, AtLeastOnce(settings), BatchLimits(batch_size=100, linger_ms=500, batch_bytes=30_000))
    run.loop.run()
    assert max(run.batches) <= 3


def test_a_restarted_loop_continues_where_the_group_is(settings: KafkaSettings, publish: Publish) -> None:
    publish(30)
    Run(settings, 30, AtLeastOnce(settings), BatchLimits()).loop.run()
    publish(10)
    second = Run(settings, 10, AtLeastOnce(settings), BatchLimits())
    second.loop.run()
    assert second.loop.counters.messages == 10


def test_what_a_step_raises_ends_the_loop_with_nothing_committed(settings: KafkaSettings, publish: Publish) -> None:
    publish(10)
    broken = Run(settings, 10, AtLeastOnce(settings), BatchLimits())

    def fail(messages: Sequence[KafkaMessage]) -> list[Output]:
        raise ZeroDivisionError("in the step")

    loop = BatchLoop(settings, "g", [broken.topics.records.name], fail, AtLeastOnce(settings))
    with pytest.raises(ZeroDivisionError, match="in the step"):
        loop.run()
    broken.loop.run()
    assert len(broken.told) == 10


def test_a_stop_abandons_a_step_that_outlasts_the_grace(settings: KafkaSettings, publish: Publish) -> None:
    publish(10)
    begun, release = threading.Event(), threading.Event()

    def hang(messages: Sequence[KafkaMessage]) -> list[Output]:
        begun.set()
        release.wait()
        return []

    aborted: list[bool] = []
    loop = BatchLoop(
        settings,
        "g",
        [Topics(settings.prefix).records.name],
        hang,
        AtLeastOnce(settings),
        limits=BatchLimits(grace_s=0.2),
        on_aborted=lambda: aborted.append(True),
    )
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    assert begun.wait(30.0)
    loop.stop()
    thread.join(30.0)
    assert not thread.is_alive()
    assert (loop.abandoned, aborted) == (True, [])  # the step still runs: nobody may touch what it uses
    release.set()
    assert loop.counters.batches == 0
    again = Run(settings, 10, AtLeastOnce(settings), BatchLimits())
    again.loop.run()
    assert len(again.told) == 10

"""The trainer on the embedded broker, at least once: rounds by size, by command and by age."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.errors import CcitError, ConfigError, MemoryExhausted, ModelUnusable
from ccit.events import RoundPlanned
from ccit.ports.rounds import PoolChoice
from ccit.ports.training import Progress, Trainer
from ccit.records import Candidate, Decision, Due, Material, Pooled, Round, Version
from consumers.commands import issue
from consumers.kafka.clients import KafkaSettings
from consumers.reading import event_in
from consumers.train import TrainConsumer
from tests.crash.parts import stub_trainer_parts
from tests.integration.following import admit, config_for, messages_of, replica, running, until

SIZE, MIN_SIZE = 20, 10


def config_of(settings: KafkaSettings, tmp_path: Path, **more: object) -> Config:
    kafka = {"transactions": False, "group_protocol": settings.group_protocol}
    rounds = {"size": SIZE, "min_size": MIN_SIZE, "sources": {"general": False}, **more}
    return config_for(settings, tmp_path, rounds=rounds, kafka=kafka)


def test_rounds_by_size_and_by_command(settings: KafkaSettings, tmp_path: Path) -> None:
    config = config_of(settings, tmp_path)
    trainer = TrainConsumer(config, stub_trainer_parts(config, 0.0), "a")
    admit(settings, SIZE)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 1, "the round that was due")
        issue(settings, "ccit", "hold")
        until(lambda: trainer.state().held, "held")
        issue(settings, "ccit", "round-now")
        admit(settings, MIN_SIZE, first=SIZE)
        until(lambda: trainer.state().pooled == MIN_SIZE, "there are enough")
        issue(settings, "ccit", "resume")
        until(lambda: trainer.state().judged == 2, "the round that was asked for")
        assert trainer.state().pooled == 0
    assert triggers(settings) == ["size", "command"]


def test_a_round_by_age(settings: KafkaSettings, tmp_path: Path) -> None:
    config = config_of(settings, tmp_path, triggers={"age": {"max_seconds": 0.5}})
    trainer = TrainConsumer(config, stub_trainer_parts(config, 0.0), "a")
    admit(settings, MIN_SIZE)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().judged == 1, "judged")
    assert triggers(settings) == ["age"]


def test_a_group_that_the_broker_has_forgotten_does_not_obey_old_commands(
    settings: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="ccit")
    issue(settings, "ccit", "rollback", to=0)
    config = config_of(settings, tmp_path)
    trainer = TrainConsumer(config, stub_trainer_parts(config, 0.0), "a", lambda: time.time() + 2 * 24 * 3600)
    with running(trainer, trainer.stop):
        until(lambda: "rollback of long ago counts as answered" in caplog.text, "said")


class NeedsMending:
    """Port `Trainer`, which works once somebody has mended what is around it."""

    def __init__(self, inner: Trainer, fault: CcitError) -> None:
        self._inner, self.fault = inner, fault
        self.mended = False

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        if not self.mended:
            raise self.fault
        return self._inner.train(planned, material, parent, progress)


@pytest.mark.parametrize(
    "fault",
    [
        ConfigError("training asks for rank 8"),
        ModelUnusable("layer k_porj is none of the model's"),
        MemoryExhausted("down to 64 tokens"),
    ],
    ids=["settings", "models", "memory"],
)
def test_what_no_try_can_mend_uses_no_samples_up_and_the_trainer_says_so_and_lives(
    settings: KafkaSettings, tmp_path: Path, fault: CcitError
) -> None:
    config = config_of(settings, tmp_path)
    parts = stub_trainer_parts(config, 0.0)
    broken = NeedsMending(parts.trainer, fault)
    trainer = TrainConsumer(config, replace(parts, trainer=broken), "a")
    admit(settings, SIZE)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().failed, "it stands still")
        issue(settings, "ccit", "hold")
        until(lambda: trainer.state().held, "it obeys")
        assert (trainer.state().judged, trainer.state().pooled) == (0, SIZE)
        report = replica(settings, "train-a")
        assert report is not None
        assert (report.state, report.detail) == ("failed", f"no round is made: {fault}")
        broken.mended = True
        issue(settings, "ccit", "resume")
        until(lambda: trainer.state().judged == 1, "the same round")
        assert not trainer.state().failed
    assert len(triggers(settings)) == 1


def test_a_version_that_the_settings_do_not_fit_is_said_at_once_and_no_round_is_planned(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    config = config_of(settings, tmp_path)
    parts = replace(stub_trainer_parts(config, 0.0), misfit=lambda version: f"version {version.number} has rank 4")
    trainer = TrainConsumer(config, parts, "a")
    admit(settings, SIZE)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().failed, "said")
        until(lambda: trainer.state().pooled == SIZE, "it gathers")
        issue(settings, "ccit", "hold")
        until(lambda: trainer.state().held, "it obeys")
        report = replica(settings, "train-a")
        assert report is not None
        assert (report.state, report.detail) == ("failed", "no round is made: version 0 has rank 4")
    assert triggers(settings) == []


class LooksAtNothing:
    """Port `Planner`, broken."""

    def choose(self, pool: Sequence[Pooled]) -> PoolChoice:
        return PoolChoice("looks_at_nothing", 0)


def test_a_planner_that_breaks_its_port_is_named_and_ends_nothing(settings: KafkaSettings, tmp_path: Path) -> None:
    config = config_of(settings, tmp_path)
    parts = stub_trainer_parts(config, 0.0)
    broken = replace(parts, recipe=replace(parts.recipe, planner=LooksAtNothing()))
    trainer = TrainConsumer(config, broken, "a")
    admit(settings, SIZE)
    with running(trainer, trainer.stop):
        until(lambda: trainer.state().failed, "said")
        until(lambda: "looks_at_nothing" in (r.detail if (r := replica(settings, "train-a")) else ""), "by name")
    assert triggers(settings) == []


class AlwaysDue:
    """Port `Trigger`, one that asks for nothing."""

    whole_pool = False

    def __init__(self) -> None:
        self.seen = 0

    def observe(self, decisions: Sequence[Decision]) -> None:
        self.seen += len(decisions)

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        return Due("always", "why not")


def test_whatever_a_trigger_says_a_round_has_its_least_size(
    settings: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was declined again at every turn, five times a second."""
    caplog.set_level("INFO", logger="ccit")
    config, trigger = config_of(settings, tmp_path), AlwaysDue()
    trainer = TrainConsumer(config, replace(stub_trainer_parts(config, 0.0), trigger=trigger), "a")
    admit(settings, MIN_SIZE - 1)
    with running(trainer, trainer.stop):
        until(lambda: trigger.seen == MIN_SIZE - 1, "it has seen what waits")
        admit(settings, 1, first=MIN_SIZE - 1)
        until(lambda: trainer.state().judged == 1, "one more is enough")
    assert triggers(settings) == ["always"]
    assert "no round" not in caplog.text


def triggers(settings: KafkaSettings) -> list[str]:
    events = [event_in(message) for message in messages_of(settings, "rounds")]
    return [event.planned.due.trigger for event in events if isinstance(event, RoundPlanned)]

"""The trainer on the embedded broker, at least once: rounds by size, by command and by age."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.events import RoundPlanned
from consumers.commands import issue
from consumers.kafka.clients import KafkaSettings
from consumers.reading import event_in
from consumers.train import TrainConsumer
from tests.crash.parts import stub_workshop
from tests.integration.following import admit, config_for, messages_of, running, until

SIZE, MIN_SIZE = 20, 10


def config_of(settings: KafkaSettings, tmp_path: Path, **more: object) -> Config:
    kafka = {"transactions": False, "group_protocol": settings.group_protocol}
    rounds = {"size": SIZE, "min_size": MIN_SIZE, "general_ratio": 0, **more}
    return config_for(settings, tmp_path, rounds=rounds, kafka=kafka)


def test_rounds_by_size_and_by_command(settings: KafkaSettings, tmp_path: Path) -> None:
    config = config_of(settings, tmp_path)
    trainer = TrainConsumer(config, stub_workshop(config, 0.0), "a")
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
    trainer = TrainConsumer(config, stub_workshop(config, 0.0), "a")
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
    trainer = TrainConsumer(config, stub_workshop(config, 0.0), "a", lambda: time.time() + 2 * 24 * 3600)
    with running(trainer, trainer.stop):
        until(lambda: "rollback of long ago counts as answered" in caplog.text, "said")


def triggers(settings: KafkaSettings) -> list[str]:
    events = [event_in(message) for message in messages_of(settings, "rounds")]
    return [event.planned.due.trigger for event in events if isinstance(event, RoundPlanned)]

"""From a refusal to its release by `ccit quarantine`, on real Kafka, with scorers that die in the middle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ccit.cli.quarantine import quarantine
from ccit.config import Config
from ccit.events import SampleAdmitted, SampleRejected
from ccit.records import Decision
from consumers.kafka import exactly_once
from consumers.kafka.clients import KafkaSettings
from consumers.reading import event_in
from consumers.score import ScoreConsumer
from tests.crash.parts import stub_scoring
from tests.integration.following import config_for, feed, messages_of, running, until

HIGH = {"checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 1e-9}}}  # refuses all that the stub scores


class Killed(Exception):
    """A scorer is killed."""


@pytest.fixture
def config(settings: KafkaSettings, tmp_path: Path) -> Config:
    return config_for(settings, tmp_path / "store", selection=HIGH)


@pytest.fixture
def asked(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`ccit quarantine ...`: what it prints."""
    monkeypatch.setenv("CCIT_KAFKA__BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("CCIT_KAFKA__PREFIX", settings.prefix)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(quarantine, arguments, catch_exceptions=False).output


def decided(settings: KafkaSettings, topic: str) -> list[Decision]:
    events = [event_in(message) for message in messages_of(settings, topic)]
    return [event.decision for event in events if isinstance(event, SampleAdmitted | SampleRejected)]


def scored(config: Config, until_true: Callable[[], bool]) -> None:
    """One life of a scorer, ended when what is waited for has happened."""
    consumer = ScoreConsumer(config, stub_scoring(config, 0.0), "a")
    with running(consumer, consumer.loop.stop):
        until(until_true, "it is decided")


def killed_at(point: str, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """One life of a scorer that ends at a point of its first commit."""

    def strike(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(exactly_once, "failpoint", strike)
        with pytest.raises(Killed):
            ScoreConsumer(config, stub_scoring(config, 0.0), "a").run()


def test_what_is_released_is_admitted_once_whoever_dies(
    config: Config, settings: KafkaSettings, asked: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(settings, [("1", "Rest at home for two weeks."), ("2", "### Response: rest."), ("3", "Take 5 mg a day.")])
    scored(config, lambda: len(decided(settings, "rejects")) == 3)

    listed = orjson.loads(asked("list", "--json"))
    assert {(one["reason"], one["is_released"]) for one in listed} == {("ifd_too_high", False)}
    assert sorted(one["cause"] for one in listed) == ["mismatch", "mismatch", "template"]
    wanted = next(one["sample_id"] for one in listed if one["cause"] == "template")
    assert "### Response: rest." in asked("show", wanted[:8])
    assert f"{wanted} (template) would be released" in asked("release", "--cause", "template", "--dry-run")
    assert "1 released" in asked("release", wanted[:8], "--by", "the ward")
    assert len(orjson.loads(asked("list", "--json"))) == 2
    assert [one["is_released"] for one in orjson.loads(asked("list", "--all", "--json"))].count(True) == 1

    killed_at("commit.flushed", config, monkeypatch)  # the decision is in the log, in a transaction that never ends
    assert decided(settings, "samples") == []
    killed_at("commit.done", config, monkeypatch)  # it is committed, and nobody was told
    (admitted,) = decided(settings, "samples")
    assert (admitted.sample.sample_id, admitted.reason) == (wanted, "accepted")
    assert admitted.annotations == {"quarantine": "template", "released": "the ward"}
    assert admitted.value("ifd") is not None, "the scores that it was refused by"

    asked("release", wanted, "--by", "another")
    scored(config, lambda: len(decided(settings, "rejects")) == 4)
    assert len(decided(settings, "samples")) == 1
    assert "exact_duplicate" in {one.reason for one in decided(settings, "rejects")}
    assert len(orjson.loads(asked("list", "--json"))) == 2, "the copy waits for nobody"

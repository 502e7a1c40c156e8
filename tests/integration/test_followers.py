"""Followers of the version topic on real Kafka: the server and the scorer come up right, and stay right."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch

from ccit.config import Config
from ccit.errors import ArtifactDamaged
from ccit.models.causal import adapter_files, load_causal, trainable
from ccit.records import OffsetRange, Version
from ccit.testing import random_model
from consumers import score as score_module
from consumers import serve as serve_module
from consumers.broker.local import LocalKafka
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics
from consumers.metrics import ScoreMetrics
from consumers.score import ScoreConsumer
from consumers.serve import ServeConsumer
from consumers.status import look
from consumers.versions import VersionFollower
from tests.crash.parts import base_version, stub_scoring
from tests.integration.following import (
    Trainer,
    config_for,
    damaged,
    decisions,
    feed,
    messages_of,
    replica,
    reports,
    running,
    until,
)

TEN = 10
STUB = {"adapter.json": b'{"skill": 0}'}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused version is tried again soon."""
    monkeypatch.setattr(serve_module, "_RETRY_S", 0.2)
    monkeypatch.setattr(score_module, "_RETRY_S", 0.2)


# -- the server -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("model"), hidden=16)


@pytest.fixture(scope="module")
def adapters(model: Path) -> list[dict[str, bytes]]:
    """One more than ten, all different."""
    base = load_causal(str(model), device="cpu", threads=1)
    made = []
    for seed in range(TEN + 1):
        view = trainable(base, 2, 4, 0.0, ["q_proj"], seed)
        with torch.no_grad():
            for name, weight in view.model.named_parameters():
                if "lora_B" in name:
                    weight.normal_(generator=torch.Generator().manual_seed(seed))
        made.append(adapter_files(view))
    return made


@pytest.fixture
def served(settings: KafkaSettings, model: Path, tmp_path: Path) -> Config:
    models = {"deployed": str(model), "proxy": str(model), "threads": 1, "device": "cpu"}
    return config_for(settings, tmp_path / "store", models=models)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds the reading of the version topic until it is set."""
    opened, catch_up = threading.Event(), VersionFollower.catch_up

    def held(self: VersionFollower) -> Version:
        assert opened.wait(60)
        return catch_up(self)

    monkeypatch.setattr(VersionFollower, "catch_up", held)
    yield opened
    opened.set()


def test_a_server_that_was_down_for_ten_versions(
    served: Config,
    settings: KafkaSettings,
    adapters: list[dict[str, bytes]],
    gate: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ccit.serve")
    server = ServeConsumer(served, "a")
    trainer = Trainer(settings, served.store.root, server._parts.base)
    for files in adapters[:TEN]:
        trainer.promote(trainer.store(files, STUB))
    trainer.roll_back(7)

    with running(server, server.stop), httpx.Client(base_url=server._server.url, timeout=30) as client:
        until(lambda: "listening on" in caplog.text, "the port is open")
        url = server._server.url
        early = client.get("/ready")
        assert (early.status_code, early.json()["detail"]) == (503, "reading the version topic")
        gate.set()
        until(lambda: client.get("/ready").status_code == 200, "ready")
        assert client.get("/ready").json()["version"] == 7
        until(lambda: reported(settings, "serve-a") == ("active", 7, TEN + 1), "version 7 is reported")

        pair = trainer.store(adapters[TEN], STUB)
        with damaged(served.store.root, pair.deployed):
            trainer.promote(pair)
            until(lambda: reported(settings, "serve-a") == ("failed", 7, TEN + 1), "the damaged one is refused")
            assert "SHA-256" in detail(settings, "serve-a")
            assert look(settings, served.models.alias).announced == TEN + 2, "so that `ccit status` shows it one behind"
            answer = client.post("/v1/completions", json={"model": "ccit", "prompt": "Dose?", "max_tokens": 2})
            assert (answer.status_code, answer.json()["system_fingerprint"]) == (200, "ccit-v7")
            assert client.get("/ready").status_code == 200
        until(lambda: reported(settings, "serve-a") == ("active", TEN + 1, TEN + 2), "once mended it is taken up")
    assert told(settings, "serve-a") == [
        ("loading", 0, "version 7"),
        ("loaded", 0, "version 7"),
        ("active", 7, url),
        ("loading", 7, "version 11"),
        ("failed", 7, "version 11 is refused"),
        ("active", 11, url),
        ("stopped", 11, ""),
    ]


def test_a_server_whose_incumbent_is_damaged_is_not_ready(
    served: Config, settings: KafkaSettings, adapters: list[dict[str, bytes]]
) -> None:
    server = ServeConsumer(served, "a")
    trainer = Trainer(settings, served.store.root, server._parts.base)
    pair = trainer.store(adapters[0], STUB)
    trainer.promote(pair)
    with damaged(served.store.root, pair.deployed), running(server, server.stop):
        until(lambda: reported(settings, "serve-a") == ("failed", 0, 0), "refused")
        unready = httpx.get(f"{server._server.url}/ready")
        assert unready.status_code == 503
        assert "version 1 is refused" in unready.json()["detail"]
        trainer.roll_back(0)
        until(lambda: httpx.get(f"{server._server.url}/ready").status_code == 200, "a rollback mends it")


# -- the scorer -----------------------------------------------------------------------------------------------------

ROUND = [(f"first-{n}", f"answer {n % 50}") for n in range(80)]  # 30 of them are copies
NEXT = [(f"second-{n}", f"answer {n}") for n in range(20, 90)]  # copies of those, and new ones


class Scorer(ScoreConsumer):
    """A scorer with stub models."""

    def __init__(self, config: Config, instance: str) -> None:
        super().__init__(config, stub_scoring(config, 0.0), instance)

    @property
    def decided(self) -> int:
        return sum(self.step.decided.values())


def life(settings: KafkaSettings, root: Path, kind: str) -> dict[str, tuple[str, list[float | None]]]:
    """Two waves of records, with a promotion and a rollback of the first between them: each record's decision."""
    config = config_for(settings, root)
    trainer = Trainer(settings, root, base_version(config))
    feed(settings, ROUND)
    scorer = Scorer(config, "a")
    with running(scorer, scorer.loop.stop):
        until(lambda: scorer.decided == len(ROUND), "the first wave is decided")
        if kind == "never away":
            between(trainer, settings)
            until(lambda: reported(settings, "score-a") == ("active", 1, 3), "the rollback is followed")
            feed(settings, NEXT)
            until(lambda: scorer.decided == len(ROUND) + len(NEXT), "the second wave is decided")
    if kind != "never away":
        between(trainer, settings)
        written = list((root / "snapshots").iterdir())
        assert len(written) == 1
        if kind == "from the topic":
            written[0].unlink()
        feed(settings, NEXT)
        scorer = Scorer(config, "b")
        with running(scorer, scorer.loop.stop):
            until(lambda: scorer.decided == len(NEXT), "the second wave is decided")
    found = decisions(settings)
    return {key: (one.reason, [score.value for score in one.scores]) for key, one in found.items()}


def between(trainer: Trainer, settings: KafkaSettings) -> None:
    """Version 1 learns half of the samples, version 2 the rest; version 1 comes back, and 2 again after it."""
    ends = {m.partition: m.offset + 1 for m in messages_of(settings, "samples")}
    trainer.promote(trainer.store(STUB, STUB), [OffsetRange(p, 0, end // 2) for p, end in ends.items()])
    trainer.promote(trainer.store(STUB, STUB), [OffsetRange(p, end // 2, end) for p, end in ends.items()])
    trainer.roll_back(1)


def test_a_restarted_scorer_decides_as_one_that_had_never_been_away(
    kafka: LocalKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ccit.score")
    found = {}
    for number, kind in enumerate(("never away", "from a snapshot", "from the topic")):
        caplog.clear()
        settings = kafka.settings(f"life{number}.")
        create_topics(settings)
        found[kind] = life(settings, tmp_path / str(number), kind)
        assert ("known from a snapshot" in caplog.text) == (kind == "from a snapshot")
    assert found["from a snapshot"] == found["never away"]
    assert found["from the topic"] == found["never away"]
    reasons = {reason for reason, _ in found["never away"].values()}
    assert {"accepted", "exact_duplicate"} <= reasons


def test_a_scorer_refuses_a_damaged_proxy_and_scores_on(settings: KafkaSettings, tmp_path: Path) -> None:
    config = config_for(settings, tmp_path, store={"snapshot_seconds": 0.2})
    trainer = Trainer(settings, tmp_path, base_version(config))
    trainer.promote(trainer.store(STUB, {"adapter.json": b"one"}))
    scorer = Scorer(config, "a")
    with running(scorer, scorer.loop.stop):
        until(lambda: reported(settings, "score-a") == ("active", 1, 1), "it has caught up")
        pair = trainer.store(STUB, {"adapter.json": b"two"})
        with damaged(tmp_path, pair.proxy):
            trainer.promote(pair)
            until(lambda: reported(settings, "score-a") == ("failed", 1, 1), "the damaged one is refused")
            assert "version 2 is refused" in detail(settings, "score-a")
            feed(settings, ROUND)
            until(lambda: scorer.decided == len(ROUND), "it decides on")
        until(lambda: reported(settings, "score-a") == ("active", 2, 2), "once mended it is taken up")
        until(lambda: (tmp_path / "snapshots").exists(), "a snapshot is written while it runs")
    assert {one.proxy_version for one in decisions(settings).values()} == {1}
    assert told(settings, "score-a") == [
        ("active", 1, ""),
        ("loading", 1, "version 2"),
        ("failed", 1, "version 2 is refused"),
        ("active", 2, ""),
        ("stopped", 2, ""),
    ]
    metrics = {metric.name: metric for metric in ScoreMetrics(scorer).collect()}
    assert sum(one.value for one in metrics["ccit_decisions"].samples) == len(ROUND)
    assert [metrics[name].samples[0].value for name in ("ccit_proxy_version", "ccit_known_samples")] == [2, 50]
    with damaged(tmp_path, pair.proxy), pytest.raises(ArtifactDamaged):
        Scorer(config, "a").run()
    assert "version 2 is refused" in detail(settings, "score-a"), "it says why it does not start"


def reported(settings: KafkaSettings, replica_id: str) -> tuple[str, int, int]:
    found = replica(settings, replica_id)
    return ("", 0, 0) if found is None else (found.state, found.version, found.sequence)


def told(settings: KafkaSettings, replica_id: str) -> list[tuple[str, int, str]]:
    """What it said of itself from its start to its end."""
    return [(one.state, one.version, one.detail.split(": ")[0]) for one in reports(settings, replica_id)]


def detail(settings: KafkaSettings, replica_id: str) -> str:
    found = replica(settings, replica_id)
    return "" if found is None else found.detail

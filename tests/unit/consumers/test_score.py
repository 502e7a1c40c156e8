"""How a scorer ends, with the stub proxy on the embedded broker; the rest is in tests/integration."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.events import RecordReceived, encode
from ccit.ingest.rows import record_from_row
from ccit.records import Sample, Score
from consumers.kafka.batches import BatchLimits
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics
from consumers.score import ScoreConsumer
from tests.crash.parts import stub_scoring

LENIENT = {"checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 2.0}, "novelty": {"max_similarity": 1.0}}}


@pytest.fixture
def scorer(settings: KafkaSettings, tmp_path: Path) -> ScoreConsumer:
    config = Config.model_validate(
        {
            "store": {"root": str(tmp_path)},
            "kafka": {"bootstrap_servers": settings.bootstrap_servers, "transactions": False},
            "selection": LENIENT,
        }
    )
    feed(settings, "5 mg.")
    return ScoreConsumer(config, stub_scoring(config, 0.0), "a")


def feed(settings: KafkaSettings, text: str) -> None:
    """One record, which the rule accepts."""
    row = {"id": text, "source": "ward", "lang": "en", "instruction": "Dose?", "output": text}
    value, headers = encode(RecordReceived(record_from_row(row, 0.0)), at=0.0, source="test")
    client = producer(settings)
    client.produce(Topics(settings.prefix).records.name, value=value, headers=list(headers))
    assert client.flush(10.0) == 0


def test_a_scorer_that_leaves_writes_down_what_it_knows(scorer: ScoreConsumer, tmp_path: Path) -> None:
    scorer.loop.observers.append(lambda _: scorer.loop.stop())
    scorer.run()
    assert len(list((tmp_path / "snapshots").iterdir())) == 1


def test_nothing_is_written_down_while_an_abandoned_step_runs(
    settings: KafkaSettings, scorer: ScoreConsumer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread may be searching the index that a last look would add to."""
    scoring, release, score = threading.Event(), threading.Event(), scorer.scoring.proxy.score

    def hang(samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        if samples[0].response == "10 mg.":
            scoring.set()
            release.wait()
        return score(samples)

    monkeypatch.setattr(scorer.scoring.proxy, "score", hang)
    monkeypatch.setattr(scorer.loop, "_limits", BatchLimits(grace_s=0.2))
    scorer.loop.observers.append(lambda _: feed(settings, "10 mg."))  # the first is known by then
    running = threading.Thread(target=scorer.run, daemon=True)
    running.start()
    assert scoring.wait(30.0)
    scorer.loop.stop()
    running.join(30.0)
    assert not running.is_alive()
    assert (len(scorer.known), (tmp_path / "snapshots").exists()) == (1, False)
    release.set()

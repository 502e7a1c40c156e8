"""How a scorer ends, with the stub proxy on the embedded broker; the rest is in tests/integration."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.drift.monitor import DriftMonitor
from ccit.events import RecordReceived, encode
from ccit.ingest.rows import record_from_row
from ccit.records import Sample, Score
from ccit.scoring.snapshot import read_snapshot
from consumers.kafka.batches import BatchLimits
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topics import Topics
from consumers.score import ScoreConsumer
from consumers.status import look
from tests.crash.parts import stub_scoring
from tests.drifting import Always

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


def feed(settings: KafkaSettings, *texts: str) -> None:
    """Records, which the rule accepts."""
    client = producer(settings)
    for text in texts:
        row = {"id": text, "source": "ward", "lang": "en", "instruction": "Dose?", "output": text}
        value, headers = encode(RecordReceived(record_from_row(row, 0.0)), at=0.0, source="test")
        client.produce(Topics(settings.prefix).records.name, value=value, headers=list(headers))
    assert client.flush(10.0) == 0


def watching(config: Config) -> tuple[DriftMonitor, ScoreConsumer]:
    """A scorer whose monitor finds a change at each partition's fifth accepted sample."""
    monitor = DriftMonitor(lambda: {"always": Always(at=5)}, standing=500, stamp="test")
    return monitor, ScoreConsumer(config, replace(stub_scoring(config, 0.0), drift=monitor), "a")


def stop_after(scorer: ScoreConsumer, count: int, _: object) -> None:
    if sum(scorer.step.decided.values()) >= count:
        scorer.loop.stop()


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


def test_a_change_in_what_was_let_in_is_told_and_marks_what_comes(
    settings: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The monitor is fed by the log alone, own samples too; it stands in the snapshot."""
    config = Config.model_validate(
        {
            "store": {"root": str(tmp_path)},
            "kafka": {"bootstrap_servers": settings.bootstrap_servers, "transactions": False, "batch_size": 50},
            "selection": LENIENT,
        }
    )
    monitor, scorer = watching(config)
    feed(settings, *(f"{number} mg." for number in range(200)))

    scorer.loop.observers.append(partial(stop_after, scorer, 200))
    scorer.run()
    assert {drift.offset for drift in monitor.found} == {4}
    assert "what is let in has changed: ifd went from 0.7 to 0.9 (always" in caplog.text
    (replica,) = look(settings, "ccit").replicas
    assert replica.drifts == monitor.found
    (file,) = (tmp_path / "snapshots").iterdir()
    assert read_snapshot(file, scorer.known.origin).drift == monitor.snapshot() != {}
    caplog.clear()
    again, restarted = watching(config)
    feed(settings, "one more")
    restarted.loop.observers.append(partial(stop_after, restarted, 1))
    restarted.run()
    assert again.found == monitor.found
    assert "what is let in has changed" not in caplog.text, "an earlier life has told it"
    assert [replica.drifts for replica in look(settings, "ccit").replicas] == [again.found]

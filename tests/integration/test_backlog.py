"""Lag and age during a burst, read as Prometheus reads them: the text of a scorer's `/metrics`."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccit.config import Metrics
from ccit.records import Sample, Score
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topics import Topics
from consumers.metrics import LoopMetrics, ScoreMetrics, exposed
from consumers.score import ScoreConsumer
from tests.crash.parts import stub_scoring
from tests.integration.following import config_for, feed, running, until

BATCH, BURST, LATER = 100, 2000, 500


def test_lag_and_age_show_the_burst_and_its_end(
    settings: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(settings, tmp_path, kafka={"batch_size": BATCH})
    scoring = stub_scoring(config, 0.0)
    may, score = threading.Event(), scoring.proxy.score

    def slow(samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        may.wait()
        return score(samples)

    monkeypatch.setattr(scoring.proxy, "score", slow)
    scorer = ScoreConsumer(config, scoring, "a")
    lag = f'ccit_lag_messages{{partition="0",topic="{Topics(settings.prefix).records.name}"}}'
    metrics = Metrics(port=free_port())
    listening = exposed(metrics, "score", "0", lambda: [LoopMetrics(scorer.loop), ScoreMetrics(scorer)])
    with listening as port, running(scorer, scorer.loop.stop):
        feed(settings, [(f"burst-{number}", f"answer {number}") for number in range(BURST)])
        until(lambda: scraped(port).get(lag, 0) >= BURST - 2 * BATCH, "what is not read yet shows, but for a batch")
        seen = scraped(port)
        assert seen[lag] <= BURST
        until(
            lambda: scraped(port)["ccit_oldest_undecided_seconds"] > seen["ccit_oldest_undecided_seconds"] > 0,
            "the oldest record in hand grows older",
        )
        feed(settings, [(f"later-{number}", f"later {number}") for number in range(LATER)])
        until(
            lambda: BURST + LATER - 2 * BATCH <= scraped(port)[lag] <= BURST + LATER,
            "what comes while the model is at work shows too",
        )
        may.set()
        until(lambda: decided(scraped(port)) == BURST + LATER, "all of it is decided")
        until(lambda: not any(value for name, value in scraped(port).items() if name.startswith("ccit_lag")), "no lag")
        until(lambda: scraped(port)["ccit_oldest_undecided_seconds"] == 0, "and nothing that waits")


def decided(seen: dict[str, float]) -> float:
    return sum(value for name, value in seen.items() if name.startswith("ccit_decisions_total"))


def scraped(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def free_port() -> int:
    """Of a scorer, which listens two above `metrics.port`."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]) - 2

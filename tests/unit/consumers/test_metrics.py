"""What Prometheus reads, and where it reads it."""

from __future__ import annotations

import math
import socket
import urllib.request
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ccit.config import Metrics
from ccit.drift.monitor import DriftMonitor
from ccit.errors import ConfigError, PortOccupied
from ccit.records import Concordance, Position
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.metrics import (
    DeadLetterMetrics,
    LoopMetrics,
    TrainMetrics,
    audit_metrics,
    drift_metrics,
    exposed,
    port_of,
)
from consumers.train_state import TrainState
from tests.drifting import Always, accepted


def text(*collectors: LoopMetrics | DeadLetterMetrics | TrainMetrics) -> dict[str, float]:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_loop_at_work(settings: KafkaSettings) -> None:
    topics = Topics(settings.prefix)
    client = producer(settings)
    for number in range(60):
        client.produce(topics.records.name, value=b"x", key=b"%d" % number, timestamp=1_000_000 + number)
    assert client.flush(10.0) == 0

    def step(messages: Sequence[KafkaMessage]) -> list[Output]:
        during.append(text(metrics))
        return [Output(topics.dead_letters.name, m.key, m.value, (("ccit_reason", b"not_json"),), 0) for m in messages]

    def committed(delivered: Sequence[Delivered]) -> None:
        if loop.counters.messages == 60:
            idle.append(1)

    def between() -> None:
        loop.backlog._looked_at = 0.0  # look every time: a test has no second to wait
        if idle and loop.backlog.now.behind and not loop.backlog.now.oldest_ms:
            loop.stop()

    during: list[dict[str, float]] = []
    idle: list[int] = []
    loop = BatchLoop(
        settings,
        "g",
        [topics.records.name],
        step,
        AtLeastOnce(settings),
        limits=BatchLimits(batch_size=20, step_s=math.inf),
        on_committed=committed,
        between=between,
    )
    metrics, letters = LoopMetrics(loop, clock=lambda: 2000.0), DeadLetterMetrics(loop)
    loop.run()
    found = text(metrics, letters)
    assert found["ccit_messages_total"] == 60
    assert found["ccit_batches_total"] == found["ccit_commit_seconds_count"] == 3
    assert found["ccit_rebalances_total"] >= 1
    assert found['ccit_dead_letters_total{reason="not_json"}'] == 60
    lags = {name: value for name, value in found.items() if name.startswith("ccit_lag_messages")}
    assert set(lags.values()) == {0.0}
    assert found["ccit_oldest_undecided_seconds"] == 0.0
    assert max(seen["ccit_oldest_undecided_seconds"] for seen in during) == pytest.approx(1000.0, abs=0.1)


def test_a_trainer_at_work() -> None:
    found = text(TrainMetrics(lambda: TrainState(7, 40.0, 90, ("train", 3, 12), 2, True, True, 5), clock=lambda: 100.0))
    assert found["ccit_pool_samples"] == 7
    assert found["ccit_pool_age_seconds"] == 60.0
    assert found['ccit_round_progress{stage="train"}'] == 0.25
    assert (found["ccit_rounds_judged_total"], found["ccit_training_held"], found["ccit_trained_version"]) == (2, 1, 5)


def test_no_round_at_work_has_no_progress() -> None:
    found = text(TrainMetrics(lambda: TrainState(0, None, 0, ("", 0, 0), 0, False, False, 0)))
    assert found["ccit_pool_age_seconds"] == 0.0
    assert not [name for name in found if name.startswith("ccit_round_progress")]


def test_the_proxy_audit_is_told_by_version() -> None:
    found = {metric.name: metric.samples for metric in audit_metrics([Concordance(3, 40, 0.75, 0.5, 0.9, 0.8)])}
    assert {name: [(s.labels["version"], s.value) for s in samples] for name, samples in found.items()} == {
        "ccit_proxy_rank_correlation": [("3", 0.75)],
        "ccit_proxy_top_overlap": [("3", 0.8)],
        "ccit_proxy_audited_samples": [("3", 40)],
    }


def test_drifts_are_counted_by_detector_metric_and_cause() -> None:
    monitor = DriftMonitor(lambda: {"always": Always(at=5)}, standing=50, stamp="test")
    for number in range(40):
        monitor.observe(Position(0, number), accepted(number, source="ward" if number < 5 else "import"))
    found = {metric.name: metric.samples for metric in drift_metrics(monitor)}
    (counted,) = found["ccit_drifts"]
    assert counted.labels == {"detector": "always", "metric": "ifd", "cause": "unclear"}
    assert [sample.value for sample in (counted, *found["ccit_drifts_standing"])] == [1, 1]


def test_each_process_of_a_host_has_a_port() -> None:
    settings = Metrics(port=9100)
    named = [("ingest", "0"), ("train", "0"), ("score", "0"), ("score", "1"), ("score", "demo"), ("score", "9" * 9)]
    assert [port_of(settings, *one) for one in named] == [9100, 9101, 9102, 9103, 9102, 9102]
    assert port_of(Metrics(), "score", "4") == 0


def test_answers_over_http_while_it_is_open() -> None:
    base = free_port()
    state = TrainState(7, None, 0, ("", 0, 0), 0, False, False, 0)
    with exposed(Metrics(port=base), "ingest", "0", lambda: [TrainMetrics(lambda: state)]) as port:
        assert port == base
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert b"ccit_pool_samples 7.0" in answer.read()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)


def test_off_makes_nothing() -> None:
    def never() -> list[TrainMetrics]:
        raise AssertionError("collectors were made")

    with exposed(Metrics(), "train", "0", never) as port:
        assert port == 0


def test_a_taken_port_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortOccupied, match=r"metrics\.port"), exposed(Metrics(port=port), "ingest", "0", list):
            pass


def test_an_address_of_another_machine_is_said() -> None:
    settings = Metrics(port=free_port(), host="192.0.2.1")  # TEST-NET-1, RFC 5737
    with pytest.raises(ConfigError, match=r"metrics\.host"), exposed(settings, "ingest", "0", list):
        pass

"""What Prometheus reads from every process but the server: their own counters, put into its format when it asks.

Nothing is counted twice and nothing costs anything when `metrics.port` is 0: the collectors read what the processes
keep anyway. Two things are done for them alone: dead letters are counted, and the backlog is looked up once a second.

Several processes share a host under `ccit up`, so each role has its own port: ingest `metrics.port`, train the next
one, scorer n the one n + 2 above; clinical has the one below, mllp the one below that, generate the
third below. The server has `/metrics` on its own port.
"""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from ccit.config import Metrics
from ccit.drift.monitor import DriftMonitor
from ccit.errors import ConfigError, PortOccupied
from ccit.records import Concordance
from consumers.kafka.batches import BatchLoop
from consumers.kafka.messages import Delivered

if TYPE_CHECKING:
    from consumers.clinical import ClinicalStep
    from consumers.generate import GenerateStep
    from consumers.mllp.listener import Listener
    from consumers.score import ScoreConsumer
    from consumers.train_state import TrainState

_OFFSETS = {"ingest": 0, "train": 1, "score": 2, "clinical": -1, "mllp": -2, "generate": -3}  # scorers take all above


class LoopMetrics(Collector):
    """Messages, batches, rebalances, latencies, lag and age of a loop."""

    def __init__(self, loop: BatchLoop, clock: Callable[[], float] = time.time) -> None:
        loop.backlog.on = True
        self._loop = loop
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        counters, backlog = self._loop.counters, self._loop.backlog.now
        for name, what, value in (
            ("ccit_messages", "Messages decided and committed", counters.messages),
            ("ccit_outputs", "Messages written", counters.outputs),
            ("ccit_messages_expired", "Offsets that retention deleted before they were decided", counters.expired),
            ("ccit_batches", "Batches committed", counters.batches),
            ("ccit_batches_aborted", "Batches put back and decided again", counters.aborted),
            ("ccit_rebalances", "Times that partitions came or went", counters.rebalances),
        ):
            yield CounterMetricFamily(name, what, value)
        for name, what, seconds in (
            ("ccit_step_seconds", "Deciding a batch", counters.step_seconds),
            ("ccit_commit_seconds", "Committing a batch", counters.commit_seconds),
        ):
            yield SummaryMetricFamily(name, what, count_value=counters.batches, sum_value=seconds)
        yield GaugeMetricFamily(
            "ccit_messages_in_hand", "Messages of the batch that is being decided", len(self._loop.in_hand)
        )
        lag = GaugeMetricFamily("ccit_lag_messages", "Messages not read yet", labels=["topic", "partition"])
        for (topic, partition), behind in sorted(backlog.behind.items()):
            lag.add_metric([topic, str(partition)], behind)
        yield lag
        age = 0.0 if backlog.oldest_ms is None else max(self._clock() - backlog.oldest_ms / 1000, 0.0)
        yield GaugeMetricFamily("ccit_oldest_undecided_seconds", "Age of the oldest undecided message", age)


class DeadLetterMetrics(Collector):
    """Dead letters by reason, counted once they are in the log."""

    def __init__(self, loop: BatchLoop) -> None:
        loop.observers.append(self._count)
        self._written: Counter[str] = Counter()

    def _count(self, delivered: Sequence[Delivered]) -> None:
        """Take in a committed batch."""
        for written in delivered:
            reason = dict(written.output.headers).get("ccit_reason")
            if reason is not None:
                self._written[reason.decode()] += 1

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        yield _by_reason("ccit_dead_letters", "Messages that could not be read", self._written)


class ClinicalMetrics(Collector):
    """What became of clinical documents, and what was masked; names of kinds and numbers alone."""

    def __init__(self, step: ClinicalStep) -> None:
        self._step = step

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        documents = CounterMetricFamily("ccit_documents", "Clinical documents and resent messages", labels=["outcome"])
        for outcome, count in sorted(self._step.documents.items()):
            documents.add_metric([outcome], count)
        yield documents
        masked = CounterMetricFamily("ccit_identifiers_masked", "Identifiers masked", labels=["kind"])
        for kind, count in sorted(self._step.identifiers.items()):
            masked.add_metric([kind], count)
        yield masked


class GenerateMetrics(Collector):
    """Rows by what made them, rejected replies by constraint, and what was asked for; names and numbers alone."""

    def __init__(self, step: GenerateStep) -> None:
        self._step = step

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        counts, asker = self._step.counts, self._step.asker
        yield CounterMetricFamily("ccit_documents_read", "Clinical documents of which rows were made", counts.documents)
        yield CounterMetricFamily("ccit_documents_not_asked", "Those about which no model was asked", counts.not_asked)
        rows = CounterMetricFamily("ccit_generated_rows", "Rows written", labels=["prompt"])
        for prompt, count in sorted(counts.rows.copy().items()):
            rows.add_metric([prompt], count)
        yield rows
        rejects = CounterMetricFamily("ccit_generation_rejects", "Replies rejected", labels=["constraint", "then"])
        for labels, count in sorted(counts.rejects.copy().items()):
            rejects.add_metric(labels, count)
        yield rejects
        for name, what, value in (
            ("ccit_generation_requests", "Requests that the endpoint answered", asker.asked if asker else 0),
            ("ccit_generation_kept", "Answers that were there already", asker.found_kept if asker else 0),
            ("ccit_generation_tokens", "Tokens of prompts and replies", asker.tokens if asker else 0),
        ):
            yield CounterMetricFamily(name, what, value)


class MllpMetrics(Collector):
    """Answers by code, and connections."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        answers = CounterMetricFamily("ccit_mllp_answers", "Messages answered", labels=["code"])
        for code, count in sorted(self._listener.answered.copy().items()):
            answers.add_metric([code], count)
        yield answers
        yield GaugeMetricFamily("ccit_mllp_connections", "Open connections", self._listener.connections)
        yield CounterMetricFamily("ccit_mllp_turned_away", "Connections not let in", self._listener.turned_away)


class ScoreMetrics(Collector):
    """Decisions by arm and reason, and what a scorer knows and has spent."""

    def __init__(self, consumer: ScoreConsumer) -> None:
        self._consumer = consumer

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        scoring = self._consumer.scoring
        decided = CounterMetricFamily("ccit_decisions", "Records decided", labels=["arm", "reason"])
        for labels, count in sorted(self._consumer.step.decided.items()):
            decided.add_metric(labels, count)
        yield decided
        quarantined = CounterMetricFamily("ccit_quarantined", "Refusals kept for a person", labels=["cause"])
        for cause, count in sorted(self._consumer.step.quarantined.items()):
            quarantined.add_metric([cause], count)
        yield quarantined
        yield CounterMetricFamily("ccit_scoring_tokens", "Tokens fed to proxy and embedder", scoring.spent.tokens)
        yield CounterMetricFamily("ccit_scoring_flops", "Floating-point operations of these", scoring.spent.flops)
        yield GaugeMetricFamily("ccit_proxy_version", "The version that scores", scoring.proxy.version)
        yield GaugeMetricFamily("ccit_known_samples", "Admitted samples known", len(self._consumer.known))
        yield from audit_metrics(scoring.audit.found)
        yield from drift_metrics(scoring.drift)


class TrainMetrics(Collector):
    """Pool, round at work, and where the line of versions is."""

    def __init__(self, look: Callable[[], TrainState], clock: Callable[[], float] = time.time) -> None:
        self._look = look
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, in the server's thread."""
        state = self._look()
        age = 0.0 if state.pooled_since is None else max(self._clock() - state.pooled_since, 0.0)
        stage, done, total = state.progress
        yield GaugeMetricFamily("ccit_pool_samples", "Accepted samples that no round has used", state.pooled)
        yield GaugeMetricFamily("ccit_pool_age_seconds", "Age of the oldest of them", age)
        yield GaugeMetricFamily("ccit_replayable_samples", "Samples of earlier rounds at hand", state.replayable)
        yield GaugeMetricFamily("ccit_trained_version", "The version that the next round starts from", state.version)
        yield GaugeMetricFamily("ccit_training_held", "1 while an operator holds training", int(state.held))
        yield CounterMetricFamily(
            "ccit_samples_expired", "Offsets that retention deleted before a round could use them", state.expired
        )
        yield GaugeMetricFamily(
            "ccit_training_failed", "1 while no round can be made until something is mended", int(state.failed)
        )
        yield CounterMetricFamily("ccit_rounds_judged", "Rounds with an outcome", state.judged)
        progress = GaugeMetricFamily("ccit_round_progress", "Share of the stage that is done", labels=["stage"])
        if stage:
            progress.add_metric([stage], done / total if total else 0.0)
        yield progress


def port_of(settings: Metrics, role: str, instance: str) -> int:
    """Where a process listens; 0 is nowhere.

    >>> port_of(Metrics(port=9100), "score", "1"), port_of(Metrics(port=9100), "score", "host-4711")
    (9103, 9102)
    >>> port_of(Metrics(port=9100), "clinical", "0")
    9099
    """
    if not settings.port:
        return 0
    number = int(instance) if role == "score" and instance.isdecimal() and len(instance) <= 3 else 0
    return settings.port + _OFFSETS[role] + number


@contextmanager
def exposed(
    settings: Metrics, role: str, instance: str, collectors: Callable[[], Sequence[Collector]]
) -> Iterator[int]:
    """Answer Prometheus over HTTP while the block runs; yields the port, 0 when metrics are off.

    Parameters
    ----------
    collectors : callable
        Makes the collectors; not called when metrics are off.

    Raises
    ------
    PortOccupied
        Another process listens there.
    ConfigError
        `metrics.host` is no address of this machine.
    """
    port = port_of(settings, role, instance)
    if not port:
        yield 0
        return
    registry = CollectorRegistry()
    for collector in collectors():
        registry.register(collector)
    try:
        server, thread = start_http_server(port, settings.host, registry)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortOccupied(
                f"port {port} on {settings.host} should be free for the metrics of {role}, but another process "
                "listens there; set metrics.port (CCIT_METRICS__PORT) to another one, or to 0 for none"
            ) from error
        raise ConfigError(
            f"{settings.host}:{port} cannot be listened on: {error.strerror or error}; set metrics.host"
        ) from error
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def audit_metrics(found: Sequence[Concordance]) -> Iterator[Metric]:
    """What the proxy audit has found, by version."""
    for name, what, field in (
        ("ccit_proxy_rank_correlation", "Spearman's, of the proxy's IFD with the deployed model's", "correlation"),
        ("ccit_proxy_top_overlap", "Share of the proxy's top third that is in the deployed model's", "overlap"),
        ("ccit_proxy_audited_samples", "Samples that both have scored", "pairs"),
    ):
        family = GaugeMetricFamily(name, what, labels=["version"])
        for one in found:
            family.add_metric([str(one.version)], getattr(one, field))
        yield family


def drift_metrics(monitor: DriftMonitor) -> Iterator[Metric]:
    """Changes found in the samples topic; every scorer counts the same ones."""
    found = CounterMetricFamily("ccit_drifts", "Changes found", labels=["detector", "metric", "cause"])
    for labels, count in sorted(monitor.counts.items()):
        found.add_metric(labels, count)
    yield found
    yield GaugeMetricFamily("ccit_drifts_standing", "Changes whose samples are being marked", len(monitor.standing))


def _by_reason(name: str, what: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, what, labels=["reason"])
    for reason, count in sorted(counts.items()):
        family.add_metric([reason], count)
    return family

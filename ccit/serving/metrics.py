"""What Prometheus reads at `/metrics`: vLLM's names after `ccit_`, so that an operator finds what he knows.

Series of one version are kept for the versions used last; a label for each version that was ever served would grow
without end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from time import perf_counter
from typing import Protocol, runtime_checkable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ccit.ports.serving import BlockCounts, Delta
from ccit.serving.engine import Engine

# Seconds; from a token of a tiny model to a long answer of a large one.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_VERSIONS = 50  # more than are ever in memory


@runtime_checkable
class Blockwise(Protocol):
    """A backend with a key-value cache of its own; one without it has none to show."""

    @property
    def blocks(self) -> BlockCounts:
        """As they are now; from any thread."""


class ServingMetrics:
    """Counters of one server, in a registry of their own (several servers may live in one process).

    They belong to the server's event loop.

    Example
    -------
    >>> metrics = ServingMetrics()
    >>> metrics.used(3, prompt_tokens=7, tokens=2)
    >>> b'ccit_generation_tokens_total{version="3"} 2.0' in metrics.text()
    True
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "ccit_requests", "Requests, by version and HTTP status", ["version", "status"], registry=self.registry
        )
        self._statuses: OrderedDict[str, set[str]] = OrderedDict()  # by version, the one used last at the end
        self.first_token = self._seconds("time_to_first_token", "From a request's arrival to its first token")
        self.between_tokens = self._seconds("inter_token_latency", "From one token of an answer to the next")
        self.queue_time = self._seconds("request_queue_time", "From a request's arrival to its turn")
        self.whole = self._seconds("e2e_request_latency", "From a request's arrival to its last token")
        self._prompt_tokens = self._tokens("prompt_tokens", "Tokens of prompts")
        self._generation_tokens = self._tokens("generation_tokens", "Tokens of answers")
        self.swap = Histogram(
            "ccit_swap_seconds", "Taking a new version into memory", buckets=_BUCKETS, registry=self.registry
        )

    def watch(self, engine: Engine) -> None:
        """Show what an engine does as it is asked for."""
        self.registry.register(_EngineState(engine))
        engine.slots.observers.append(self.swap.observe)

    def finished(self, version: int, status: int) -> None:
        """Count one request."""
        self._requests.labels(self.label(version), str(status)).inc()
        self._statuses[str(version)].add(str(status))

    def used(self, version: int, prompt_tokens: int, tokens: int) -> None:
        """Count the tokens of one answer."""
        label = self.label(version)
        self._prompt_tokens.labels(label).inc(prompt_tokens)
        self._generation_tokens.labels(label).inc(tokens)

    def label(self, version: int) -> str:
        """Of a version that is used now; the one that was not used for longest may be forgotten."""
        label = str(version)
        self._statuses[label] = self._statuses.pop(label, set())
        if len(self._statuses) > _VERSIONS:
            old, statuses = self._statuses.popitem(last=False)
            for status in statuses:
                self._requests.remove(old, status)
            for metric in (self.first_token, self.between_tokens, self.queue_time, self.whole):
                metric.remove(old)
            for counter in (self._prompt_tokens, self._generation_tokens):
                counter.remove(old)
        return label

    def text(self) -> bytes:
        """Prometheus's text format."""
        return generate_latest(self.registry)

    def _seconds(self, name: str, what: str) -> Histogram:
        return Histogram(f"ccit_{name}_seconds", what, ["version"], buckets=_BUCKETS, registry=self.registry)

    def _tokens(self, name: str, what: str) -> Counter:
        return Counter(f"ccit_{name}", what, ["version"], registry=self.registry)


class RequestTimes:
    """When the tokens of one request were made, whether or not its client has taken them.

    Parameters
    ----------
    choices : int
        Answers to the one prompt.
    """

    def __init__(self, metrics: ServingMetrics, choices: int) -> None:
        self._metrics, self._left, self._arrived = metrics, choices, perf_counter()
        self._last = dict[int, float]()
        self._label = ""

    def begun(self, version: int) -> None:
        """The request has its turn, and its version."""
        self._label = self._metrics.label(version)
        self._metrics.queue_time.labels(self._label).observe(perf_counter() - self._arrived)

    def made(self, choice: int, delta: Delta) -> None:
        """One answer has one token more."""
        now, before = perf_counter(), self._last.get(choice)
        if before is not None:
            self._metrics.between_tokens.labels(self._label).observe(now - before)
        elif not self._last:
            self._metrics.first_token.labels(self._label).observe(now - self._arrived)
        self._last[choice] = now
        self._left -= delta.finish is not None
        if delta.finish and not self._left:
            self._metrics.whole.labels(self._label).observe(now - self._arrived)


class _EngineState(Collector):
    """Read when Prometheus asks; costs nothing meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape."""
        engine, backend = self._engine, self._engine.slots.backend
        yield GaugeMetricFamily("ccit_active_version", "The version that answers new requests", engine.slots.active)
        yield CounterMetricFamily("ccit_swaps", "Times that another version became active", engine.slots.swaps)
        yield GaugeMetricFamily("ccit_num_requests_waiting", "Requests waiting for their turn", engine.waiting)
        running = GaugeMetricFamily("ccit_num_requests_running", "Requests being answered", labels=["version"])
        for version in engine.slots.held:
            running.add_metric([str(version)], engine.running[version])
        yield running
        if isinstance(backend, Blockwise):
            blocks = backend.blocks
            usage = blocks.used / blocks.number
            yield GaugeMetricFamily("ccit_kv_cache_usage_perc", "Key-value cache in use; 1 is all of it", usage)
            family = GaugeMetricFamily("ccit_kv_cache_blocks", "Blocks of the key-value cache", labels=["state"])
            free = blocks.number - blocks.used - blocks.kept
            for state, number in (("used", blocks.used), ("kept", blocks.kept), ("free", free)):
                family.add_metric([state], number)
            yield family

"""What Prometheus reads at `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Seconds; from a tiny model on a CPU to a long answer of a large one.
_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SWAP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ServingMetrics:
    """Counters of one server, in a registry of their own (several servers may live in one process)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ccit_requests",
            "Requests answered, by version and HTTP status",
            ["version", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "ccit_request_seconds",
            "From a request's arrival to its last byte",
            ["version"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.tokens = Counter("ccit_tokens", "Tokens, by kind and version", ["version", "kind"], registry=self.registry)
        self.active = Gauge("ccit_active_version", "The version that answers new requests", registry=self.registry)
        self.waiting = Gauge("ccit_waiting_requests", "Requests waiting for their turn", registry=self.registry)
        self.swap = Histogram(
            "ccit_swap_seconds", "Building a new version's slot", buckets=_SWAP_BUCKETS, registry=self.registry
        )

    def finished(self, version: int | None, status: int, seconds: float) -> None:
        """Count one request; `version` is None when none was involved."""
        label = "" if version is None else str(version)
        self.requests.labels(label, str(status)).inc()
        if version is not None:
            self.latency.labels(label).observe(seconds)

    def used(self, version: int, prompt_tokens: int, tokens: int) -> None:
        """Count the tokens of one answer."""
        self.tokens.labels(str(version), "prompt").inc(prompt_tokens)
        self.tokens.labels(str(version), "completion").inc(tokens)

    def text(self) -> bytes:
        """Prometheus's text format."""
        return generate_latest(self.registry)

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ccit.ports.serving import Delta
from ccit.serving import metrics as metrics_module
from ccit.serving.metrics import RequestTimes, ServingMetrics

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve


def test_times_are_those_at_which_tokens_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr(metrics_module, "perf_counter", lambda: now[0])
    metrics = ServingMetrics()
    times = RequestTimes(metrics, choices=2)
    steps: tuple[tuple[float, Callable[[], None]], ...] = (
        (2.0, lambda: times.begun(3)),
        (1.0, lambda: times.made(0, Delta("a", 1))),  # the first token of the request, 3 s after it came
        (0.5, lambda: times.made(1, Delta("b", 1))),
        (0.25, lambda: times.made(0, Delta("c", 2, "stop"))),  # 0.75 s after that choice's last
        (1.0, lambda: times.made(1, Delta("d", 2, "stop"))),  # 1.25 s
    )
    for seconds, happens in steps:
        now[0] += seconds
        happens()
    text = metrics.text().decode()
    for name, count, total in (
        ("request_queue_time", 1, 2.0),
        ("time_to_first_token", 1, 3.0),
        ("inter_token_latency", 2, 2.0),
        ("e2e_request_latency", 1, 4.75),
    ):
        assert f'ccit_{name}_seconds_count{{version="3"}} {float(count)}' in text
        assert f'ccit_{name}_seconds_sum{{version="3"}} {total}' in text


def test_series_of_versions_that_nobody_uses_any_more_are_forgotten() -> None:
    metrics = ServingMetrics()

    def serve(version: int) -> None:
        times = RequestTimes(metrics, choices=1)
        times.begun(version)
        for delta in (Delta("a", 1), Delta("b", 2, "stop")):
            times.made(0, delta)
        metrics.used(version, 5, 2)
        for status in (200, 499):
            metrics.finished(version, status)

    serve(1)
    once = len(metrics.text().splitlines())
    for version in range(2, 200):
        serve(version)
        serve(1)  # asked for by its number all the while
    text = metrics.text().decode()
    assert len(text.splitlines()) < 50 * once
    assert ('version="1"' in text, 'version="2"' in text, 'version="199"' in text) == (True, False, True)


def test_what_the_engine_does_shows_while_it_does_it(serve: Serve) -> None:
    with serve(concurrency=1, max_new_tokens=900) as running:
        body: Any = {"model": "ccit", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 900}
        with httpx.stream(
            "POST", f"{running.server.url}/v1/chat/completions", json=body | {"stream": True, "temperature": 0}
        ) as stream:
            pieces = stream.iter_lines()
            assert next(pieces)
            lines = httpx.get(f"{running.server.url}/metrics").text.splitlines()
        assert 'ccit_num_requests_running{version="0"} 1.0' in lines
        used = next(float(line.split()[1]) for line in lines if line.startswith('ccit_kv_cache_blocks{state="used"}'))
        usage = next(float(line.split()[1]) for line in lines if line.startswith("ccit_kv_cache_usage_perc"))
        assert used > 0
        assert 0 < usage < 1

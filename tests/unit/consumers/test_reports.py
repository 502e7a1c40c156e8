"""A replica goes on working when nobody can hear it; what is heard is in tests/integration/test_status.py."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumers import reports as reports_module
from consumers.kafka.clients import KafkaSettings
from consumers.reports import Reporter


class Failing:
    """A client that takes nothing."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def produce(self, *_: object, **__: object) -> None:
        raise self._problem

    def flush(self, _: float) -> int:
        return 0


class Working(Failing):
    """A client that takes all."""

    def __init__(self) -> None:
        self.taken = 0

    def produce(self, *_: object, **__: object) -> None:
        self.taken += 1


def test_a_client_that_failed_for_good_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a replica at work would be called silent from then on."""
    clients = [working := Working(), Failing(KafkaException(KafkaError(KafkaError._FATAL)))]
    monkeypatch.setattr(reports_module, "producer", lambda _: clients.pop())
    reporter = Reporter(KafkaSettings("nowhere:1"), "serve", "a")
    reporter.report("active", 3, 5)
    reporter.report("active", 4, 6)
    assert working.taken == 1


@pytest.mark.parametrize("problem", [BufferError("Local: Queue full"), KafkaException(KafkaError(KafkaError._FATAL))])
def test_a_report_that_cannot_be_written_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, problem: Exception
) -> None:
    caplog.set_level("WARNING", logger="ccit")
    monkeypatch.setattr(reports_module, "producer", lambda _: Failing(problem))
    Reporter(KafkaSettings("nowhere:1"), "serve", "a").report("active", 3, 5)
    assert "serve-a could not be written" in caplog.text

"""A replica goes on working when nobody can hear it; what is heard is in tests/integration/test_status.py."""

from __future__ import annotations

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException

from ccit.records import Concordance, Drift
from consumers import reports as reports_module
from consumers.kafka.clients import KafkaSettings
from consumers.reports import Reporter


class Failing:
    """A client that takes nothing."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def produce(self, *_: object, key: bytes, value: bytes, **__: object) -> None:
        raise self._problem

    def flush(self, _: float) -> int:
        return 0

    def poll(self, _: float) -> int:
        return 0


class Working(Failing):
    """A client that takes all."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, bytes]] = []  # keys and values

    def produce(self, *_: object, key: bytes, value: bytes, **__: object) -> None:
        self.taken.append((key, value))


def test_a_client_that_failed_for_good_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a replica at work would be called silent from then on."""
    clients = [working := Working(), Failing(KafkaException(KafkaError(KafkaError._FATAL)))]
    monkeypatch.setattr(reports_module, "producer", lambda _: clients.pop())
    reporter = Reporter(KafkaSettings("nowhere:1"), "serve", "a")
    reporter.report("active", 3, 5)
    reporter.report("active", 4, 6)
    assert len(working.taken) == 1


def test_what_the_proxy_audit_finds_is_said_when_it_is_news_and_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a key of its own: beside what the replica says of itself."""
    working = Working()
    monkeypatch.setattr(reports_module, "producer", lambda _: working)
    reporter, found = Reporter(KafkaSettings("nowhere:1"), "score", "a"), (Concordance(1, 10, 0.5, 0.1, 0.8, 0.4),)
    reporter.audited(())
    reporter.audited(found)
    reporter.audited((*found, *found))
    assert len(working.taken) == 1, "the next is not due yet"
    reporter.audited((*found, *found), at_once=True)
    reporter.audited((*found, *found), at_once=True)
    assert [key for key, _ in working.taken] == [b"score-a/proxy-audit"] * 2
    assert [len(orjson.loads(value)["found"]) for _, value in working.taken] == [1, 2]


def test_a_drift_is_said_once_for_all_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working()
    monkeypatch.setattr(reports_module, "producer", lambda _: working)
    reporter = Reporter(KafkaSettings("nowhere:1"), "score", "a")
    first, second = (Drift(0, offset, "adwin", "ifd", 0.7, 0.9, 20, "source", "import") for offset in (140, 900))
    assert list(reporter.drifted(())) == []
    assert list(reporter.drifted((first,))) == [first]
    assert list(reporter.drifted((first,))) == []
    assert list(reporter.drifted((first, second))) == [second]
    assert [key for key, _ in working.taken] == [b"score-a/drift"] * 2
    assert [len(orjson.loads(value)["found"]) for _, value in working.taken] == [1, 2]


@pytest.mark.parametrize("problem", [BufferError("Local: Queue full"), KafkaException(KafkaError(KafkaError._FATAL))])
def test_a_report_that_cannot_be_written_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, problem: Exception
) -> None:
    caplog.set_level("WARNING", logger="ccit")
    monkeypatch.setattr(reports_module, "producer", lambda _: Failing(problem))
    Reporter(KafkaSettings("nowhere:1"), "serve", "a").report("active", 3, 5)
    assert "serve-a could not be written" in caplog.text

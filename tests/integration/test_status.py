"""What `ccit status` sees of a system in trouble, on real Kafka."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from ccit.lineage import Lineage
from ccit.records import Concordance, Drift, OffsetRange, Round
from consumers import reports as reports_module
from consumers import status as status_module
from consumers.kafka.clients import KafkaSettings, group_consumer, producer
from consumers.kafka.messages import Output
from consumers.kafka.offsets import committed_offsets
from consumers.kafka.topics import Topics
from consumers.reports import Reporter
from consumers.round_log import announced, planned_output
from consumers.status import look
from tests.integration.following import reports, until
from tests.nouns import a_round, version


def write(settings: KafkaSettings, outputs: list[Output]) -> None:
    client = producer(settings)
    for output in outputs:
        client.produce(output.topic, output.value, output.key, output.partition or 0, headers=list(output.headers))
    assert client.flush(30.0) == 0


def behind(settings: KafkaSettings) -> dict[str, int | None]:
    return {lag.topic.removeprefix(settings.prefix): lag.behind for lag in look(settings, "ccit").lags}


@pytest.fixture
def asker(settings: KafkaSettings) -> Iterator[Consumer]:
    consumer = group_consumer(settings, f"{settings.prefix}score")
    yield consumer
    consumer.close()


@pytest.fixture
def orphan(settings: KafkaSettings, asker: Consumer) -> Iterator[Producer]:
    """Of ten records the scorers have committed four; a dead one's transaction with eight is open."""
    topic = Topics(settings.prefix).records.name
    write(settings, [Output(topic, b"k", b"{}") for _ in range(10)])
    writer = producer(settings, f"{settings.prefix}score-dead")
    writer.init_transactions(30)
    for offset in (4, 8):
        writer.begin_transaction()
        writer.send_offsets_to_transaction([TopicPartition(topic, 0, offset)], asker.consumer_group_metadata(), 30)
        if offset == 4:
            writer.commit_transaction(30)
    yield writer
    writer.abort_transaction(30)


@pytest.mark.usefixtures("orphan")
def test_lag_is_told_while_a_dead_members_transaction_is_open(settings: KafkaSettings, asker: Consumer) -> None:
    with pytest.raises(KafkaException):  # what a member is told, and has to wait for
        committed_offsets(asker, [TopicPartition(Topics(settings.prefix).records.name, 0)], 1.0)
    assert behind(settings) == {"clinical": 0, "documents": 0, "raw": 0, "records": 6, "releases": 0, "samples": 0}


def test_what_the_broker_does_not_tell_is_unknown(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "_TIMEOUT_S", 0.0)  # no broker answers so soon
    assert behind(settings) == dict.fromkeys(("clinical", "documents", "raw", "records", "releases", "samples"))


def seen(settings: KafkaSettings) -> dict[str, tuple[str, float]]:
    return {one.replica_id: (one.state, one.at) for one in look(settings, "ccit").replicas}


def test_who_has_said_nothing_for_minutes_is_silent_unless_it_had_stopped(settings: KafkaSettings) -> None:
    """A process that is killed cannot say so: it stops repeating that it is there."""
    now = time.time()
    Reporter(settings, "serve", "a", clock=lambda: now - 200).report("active", 1, 1)
    Reporter(settings, "score", "a", clock=lambda: now - 100).report("failed", 1, 1)
    Reporter(settings, "train", "a", clock=lambda: now - 200).report("stopped", 1, 1)
    assert seen(settings) == {
        "score-a": ("failed", now - 100),
        "serve-a": ("silent", now - 200),
        "train-a": ("stopped", now - 200),
    }


def test_a_report_is_repeated_once_it_is_old(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def clock() -> float:
        asked.append(len(asked))
        return asked[-1]

    reporter = Reporter(settings, "score", "a", clock)
    reporter.repeat()  # before it has said anything
    reporter.report("active", 3, 4, "as before")
    reporter.repeat()
    monkeypatch.setattr(reports_module, "REPEAT_S", 0.05)

    def repeated() -> bool:
        reporter.repeat()
        return len(asked) >= 3

    until(repeated, "it is repeated twice")
    until(lambda: len(reports(settings, "score-a")) >= 3, "all is written")
    said = [(one.state, one.version, one.sequence, one.detail, one.at) for one in reports(settings, "score-a")]
    assert said[:3] == [("active", 3, 4, "as before", at) for at in (0.0, 1.0, 2.0)]


def open_round(settings: KafkaSettings) -> str:
    return look(settings, "ccit").open_round


def test_a_round_that_a_rollback_cancelled_is_not_at_work(settings: KafkaSettings) -> None:
    topics, lineage = Topics(settings.prefix), Lineage(version())
    first = a_round(parent=0)
    write(settings, [planned_output(first, 0.0, topics)])
    assert open_round(settings) == first.round_id
    for number in (1, 2):
        announcement = lineage.promote(version(number, number - 1), 0.0)
        lineage.apply(announcement)
        write(settings, announced(announcement, topics))
    second = a_round(parent=2)
    write(settings, [planned_output(second, 0.0, topics)])
    assert open_round(settings) == second.round_id
    write(settings, announced(lineage.roll_back(1, 0.0), topics))
    assert open_round(settings) == ""


def test_only_the_aliass_own_announcements_and_rounds_count(settings: KafkaSettings) -> None:
    topics, lineage = Topics(settings.prefix), Lineage(replace(version(), alias="other"))
    theirs = replace(a_round(parent=1), alias="other", ranges=(OffsetRange(0, 5, 9),))
    write(settings, announced(lineage.promote(replace(version(1, 0), alias="other"), 0.0), topics))
    write(settings, [planned_output(theirs, 0.0, topics)])
    own: Round = a_round(parent=0)
    write(settings, [planned_output(own, 0.0, topics)])
    found = look(settings, "ccit")
    assert (found.open_round, found.rounds_planned, found.announced) == (own.round_id, 1, 0)
    found = look(settings, "other")
    assert (found.open_round, found.rounds_planned, found.announced) == (theirs.round_id, 1, 1)


def test_the_proxy_audit_of_a_scorer_is_shown_with_it(settings: KafkaSettings) -> None:
    found = (Concordance(1, 40, 0.75, 0.5, 0.9, 0.8), Concordance(2, 12, 0.9, 0.6, 1.0, 0.7))
    Reporter(settings, "score", "b").report("active", 2, 2)
    one = Reporter(settings, "score", "a")
    one.audited(found[:1])
    one.audited(found, at_once=True)
    one.report("active", 2, 2)
    assert {r.replica_id: r.audit for r in look(settings, "ccit").replicas} == {"score-a": found, "score-b": ()}


def test_a_drift_that_a_scorer_has_found_is_shown_with_it(settings: KafkaSettings) -> None:
    found = tuple(Drift(0, offset, "adwin", "ifd", 0.7, 0.9, 20, "source", "import") for offset in (140, 900))
    one = Reporter(settings, "score", "a")
    one.drifted(found[:1])
    one.drifted(found)
    one.report("active", 2, 2)
    assert [replica.drifts for replica in look(settings, "ccit").replicas] == [found]

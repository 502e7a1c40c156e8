"""What `ccit status` prints of what it found."""

from __future__ import annotations

import time

import orjson
import pytest
from click.testing import CliRunner

from ccit.cli import look as look_module
from ccit.cli.look import status
from ccit.records import Concordance, Drift, Spend
from consumers import status as status_module
from consumers.kafka.clients import KafkaSettings
from consumers.status import Lag, Replica, Status

AUDIT = (Concordance(2, 90, 0.9, 0.85, 0.93, 0.8), Concordance(3, 30, 0.1, -0.27, 0.44, 0.3))
DRIFT = Drift(2, 140, "adwin", "ifd", 0.71, 0.93, 30, "source", "ward 7")
FOUND = Status(
    replicas=(
        Replica("serve-a", "serve", "active", 3, 4, "", time.time() - 20, Spend()),
        Replica("serve-b", "serve", "silent", 3, 4, "", time.time() - 3000, Spend()),
        Replica("serve-c", "serve", "stopped", 3, 4, "", time.time() - 90000, Spend()),
        Replica("score-0", "score", "active", 3, 6, "", time.time(), Spend(), AUDIT, (DRIFT,)),
        Replica("score-1", "score", "active", 3, 6, "", time.time(), Spend(), (), (DRIFT,)),
    ),
    lags=(Lag("score", "ccit.records", None), Lag("train", "ccit.samples", 17)),
    rounds_planned=3,
    rounds_judged=2,
    open_round="abc",
    announced=6,
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    def look(settings: KafkaSettings, alias: str) -> Status:
        assert alias == "ward"
        return FOUND

    monkeypatch.setattr(look_module, "reachable", lambda _: KafkaSettings("nowhere:1"))
    monkeypatch.setattr(status_module, "look", look)
    monkeypatch.setenv("CCIT_MODELS__ALIAS", "ward")
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def test_what_is_not_known_is_said_to_be_unknown(said: CliRunner) -> None:
    printed = said.invoke(status, catch_exceptions=False).output
    rows = [line.replace("│", " ").split() for line in printed.splitlines()]
    assert ["score", "ccit.records", "unknown"] in rows
    assert ["train", "ccit.samples", "17"] in rows
    assert any(row[:4] == ["serve-a", "active", "3", "2"] for row in rows)  # two announcements behind
    assert any(row[:4] == ["serve-b", "silent", "3", "2"] and row[5:7] == ["min", "ago"] for row in rows)
    assert "2 rounds judged; round abc is at work" in printed


def test_a_program_reads_null(said: CliRunner) -> None:
    found = orjson.loads(said.invoke(status, ["--json"], catch_exceptions=False).output)
    assert [lag["behind"] for lag in found["lags"]] == [None, 17]


def test_who_said_nothing_for_a_day_is_shown_when_asked_for(said: CliRunner) -> None:
    shown = said.invoke(status, catch_exceptions=False).output
    everyone = said.invoke(status, ["--all"], catch_exceptions=False).output
    assert "serve-c" not in shown
    assert "serve-c" in everyone
    for flags, names in (
        ([], ["serve-a", "serve-b", "score-0", "score-1"]),
        (["--all"], ["serve-a", "serve-b", "serve-c", "score-0", "score-1"]),
    ):
        found = orjson.loads(said.invoke(status, ["--json", *flags], catch_exceptions=False).output)
        assert [replica["replica_id"] for replica in found["replicas"]] == names


def test_the_proxy_audit_is_told_with_a_warning(said: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no proxy audit" in said.invoke(status, catch_exceptions=False).output
    monkeypatch.setenv("CCIT_SELECTION__AUDIT_SHARE", "0.1")
    printed = said.invoke(status, catch_exceptions=False).output
    agrees, fails = (line for line in printed.splitlines() if "proxy audit of score-0" in line)
    assert "version 2: rank correlation 0.90 [0.85, 0.93], overlap of the top thirds 80%, 90 samples" in agrees
    assert "the proxy no longer agrees" not in agrees
    assert "the proxy no longer agrees" in fails
    read = orjson.loads(said.invoke(status, ["--json"], catch_exceptions=False).output)
    assert read["replicas"][-2]["audit"][1]["correlation"] == 0.1


def test_what_several_scorers_have_found_is_told_once(said: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no drift detector" in said.invoke(status, catch_exceptions=False).output
    monkeypatch.setenv("CCIT_DRIFT__DETECTORS__ADWIN", "true")
    printed = said.invoke(status, catch_exceptions=False).output
    assert printed.count("drift: ifd went from 0.71 to 0.93 (adwin, partition 2, found at 140") == 1

"""What `ccit status` prints of what it found."""

from __future__ import annotations

import orjson
import pytest
from click.testing import CliRunner

from ccit.cli import look as look_module
from ccit.cli.look import status
from ccit.records import ReplicaReport
from consumers import status as status_module
from consumers.kafka.clients import KafkaSettings
from consumers.status import Lag, Status

FOUND = Status(
    replicas=(ReplicaReport("serve-a", "serve", "active", 3, 4, "", 0.0),),
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

    monkeypatch.setattr(look_module, "_reachable", lambda _: KafkaSettings("nowhere:1"))
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
    assert "2 rounds judged; round abc is at work" in printed


def test_a_program_reads_null(said: CliRunner) -> None:
    found = orjson.loads(said.invoke(status, ["--json"], catch_exceptions=False).output)
    assert [lag["behind"] for lag in found["lags"]] == [None, 17]

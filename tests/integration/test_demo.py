"""The demo as a user starts it, on both brokers, and the replay of its stream."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RECORDS = 300
FIELDS = {
    "seed", "records", "truth", "rounds", "versions", "held", "active_version", "proxy_version",
    "serving", "rollback", "compute", "seconds",
}  # fmt: skip


def ccit(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccit.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        env={**os.environ, **environment},
    )


def check_summary(out: Path) -> dict[str, Any]:
    """The laws that hold whatever was learned."""
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    assert set(summary) >= FIELDS
    records, serving = summary["records"], summary["serving"]
    assert records["in"] == RECORDS
    assert records["decided"] + records["dead_lettered"] == RECORDS
    assert records["accepted"] + sum(records["rejected"].values()) == records["decided"]
    assert sum(kind["in"] for kind in summary["truth"].values()) == RECORDS
    assert sum(kind["accepted"] for kind in summary["truth"].values()) == records["accepted"]
    assert summary["truth"]["garbage"]["accepted"] == 0
    assert summary["rounds"] >= 2
    assert summary["held"] == summary["rounds"] - (len(summary["versions"]) - 1)
    assert serving["requests"] > 0
    assert serving["failed"] == 0
    assert len(summary["versions"]) > 1, "nothing was learned: see the verdicts in the report"
    assert summary["rollback"]["to"] == summary["active_version"] == summary["proxy_version"]
    best = max(version["accuracy"] for version in summary["versions"])
    assert best > summary["versions"][0]["accuracy"] + 0.1
    assert summary["compute"]["training_tokens"] > 0
    assert summary["compute"]["scoring_tokens"] > 0
    page = (out / "report.html").read_text()
    assert not re.search(r"""(src|href)=["']?https?:""", page), "the report fetches nothing"
    return summary


@pytest.mark.timeout(900)
def test_demo_on_the_embedded_broker_and_its_replay(tmp_path: Path) -> None:
    told = ccit("demo", "--records", str(RECORDS), "--out", str(tmp_path / "demo"))
    summary = check_summary(tmp_path / "demo")
    assert "is announced" in told.stdout
    stream, config = tmp_path / "demo" / "data" / "stream.jsonl", tmp_path / "demo" / "ccit.toml"
    runs = []
    for name in ("one", "two"):  # each with a store of its own: nothing finished is found again
        out, store = tmp_path / name, str(tmp_path / f"store-{name}")
        ccit("replay", str(stream), "--config", str(config), "--out", str(out), CCIT_STORE__ROOT=store)
        runs.append(((out / "decisions.jsonl").read_bytes(), (out / "summary.json").read_bytes()))
    assert runs[0] == runs[1], "same file, same seed: same decisions, rounds and versions, to the byte"
    assert [str(path) for path in tmp_path.rglob("*") if path.stat().st_mode & 0o077] == [], (
        "patients' text: owner only"
    )
    replayed = json.loads(runs[0][1])
    assert replayed["decided"] == summary["records"]["decided"]
    assert len(replayed["rounds"]) >= 2


@pytest.mark.timeout(900)
def test_demo_on_apache_kafka_decides_each_record_once(tmp_path: Path) -> None:
    ccit("demo", "--records", str(RECORDS), "--broker", "local", "--out", str(tmp_path))
    summary = check_summary(tmp_path)
    assert summary["records"]["decided_again"] == 0

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

from ccit.demo.leaks import LeakSearch
from ccit.simulation.clinical_stream import clinical_stream

RECORDS = 300
AT_THE_DOOR = 450  # a third is let in, a fifth starts the one round: fewer would prove no gain in every run
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
    assert records["decided"] + records["dead_lettered"] == records["in"]
    assert records["accepted"] + sum(records["rejected"].values()) == records["decided"]
    assert summary["held"] == summary["rounds"] - (len(summary["versions"]) - 1)
    assert serving["requests"] > 0
    assert serving["failed"] == 0
    assert len(summary["versions"]) > 1, "nothing was learned: see the verdicts in the report"
    assert summary["active_version"] == summary["proxy_version"]
    assert gained(summary) > 0
    assert summary["compute"]["training_tokens"] > 0
    assert summary["compute"]["scoring_tokens"] > 0
    page = (out / "report.html").read_text()
    assert not re.search(r"""(src|href)=["']?https?:""", page), "the report fetches nothing"
    return summary


def gained(summary: dict[str, Any]) -> float:
    """Accuracy of the best version, beyond that of the base."""
    base, *_ = told = [version["accuracy"] for version in summary["versions"]]
    return float(max(told) - base)


@pytest.mark.timeout(900)
def test_demo_on_the_embedded_broker_and_its_replay(tmp_path: Path) -> None:
    told = ccit("demo", "--records", str(RECORDS), "--out", str(tmp_path / "demo"))
    summary = check_summary(tmp_path / "demo")
    assert summary["records"]["in"] == RECORDS
    assert summary["rounds"] >= 2
    assert gained(summary) > 0.1
    assert summary["rollback"]["to"] == summary["active_version"]
    assert sum(kind["in"] for kind in summary["truth"].values()) == RECORDS
    assert sum(kind["accepted"] for kind in summary["truth"].values()) == summary["records"]["accepted"]
    assert summary["truth"]["garbage"]["accepted"] == 0
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
def test_demo_at_the_door_on_apache_kafka_decides_each_record_once_and_names_nobody(tmp_path: Path) -> None:
    told = ccit("demo", "--door", "--json", "--records", str(AT_THE_DOOR), "--broker", "local", "--out", str(tmp_path))
    summary = check_summary(tmp_path)
    assert json.loads(told.stdout) == summary
    assert summary["records"]["decided_again"] == 0
    assert summary["rollback"] is None
    assert summary["active_version"] == summary["versions"][-1]["number"]
    check_door(summary)
    page = (tmp_path / "report.html").read_text()
    assert "At the hospital" in page
    search = LeakSearch(clinical_stream(AT_THE_DOOR, seed=0, days=2).canaries)
    assert search.look("shown", (said.encode() for said in (page, told.stdout, told.stderr))) == 0


def check_door(summary: dict[str, Any]) -> None:
    """Each step hands on what the one before did not keep, and nobody is named behind it."""
    door = summary["door"]
    answers, documents, leaks = door["answers"], door["documents"], door["leaks"]
    stream = clinical_stream(AT_THE_DOOR, seed=0, days=2)
    planted = stream.planted
    assert sum(answers.values()) == door["messages"]["hl7v2"]
    assert answers["AE"] == planted["unnumbered"]
    assert answers["AR"] + sum(door["unreadable"].values()) == planted["garbage"]
    assert documents["held_back"] == planted["glued"]
    assert documents["sent_again"] == planted["again"]
    assert documents["written"] == sum(door["rows"].values()) + sum(door["refused_rows"].values())
    assert sum(door["rows"].values()) == summary["records"]["in"]
    assert set(door["rows"]) == {"consultation.v1.en", "medication.v1.en"}
    assert door["identifiers"]["name"] > 0
    assert leaks["found"] == {}
    assert leaks["planted"] == len(stream.canaries)
    assert leaks["on_clinical"] == len(stream.sent), "the same search finds all of them where they belong"
    assert 0 < summary["records"]["trained"] <= summary["records"]["accepted"]

"""The loop on real Apache Kafka and real data, through the commands that a user types."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import tomli_w

from ccit.config import cache_root
from ccit.demo.stage import write_jsonl
from ccit.models.tiny import tiny_pair
from ccit.simulation.corpus import general_rows
from ccit.simulation.faults import Truth
from ccit.simulation.stream import hospital_stream
from consumers.broker.local import LocalKafka

DATA = Path(os.environ.get("CCIT_DATA", Path(__file__).parents[3] / "shared" / "data")) / "instructions"
ROWS = 160
HELD_OUT = 120
WAIT_S = 300.0


def ccit(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccit.cli.main", *arguments], capture_output=True, text=True, check=check, timeout=120
    )


def rows_to_feed() -> list[dict[str, Any]]:
    """Real questions and answers where the data is; else the simulated hospital's, and the log says which."""
    path = DATA / "meqsum.jsonl"
    if path.exists():
        logging.getLogger("ccit.test").info("feeding %s", path)
        with path.open("rb") as lines:
            return [json.loads(line) for line, _ in zip(lines, range(ROWS + HELD_OUT), strict=False)]
    logging.getLogger("ccit.test").warning(
        "%s is absent; feeding short forms of the simulated hospital's questions", path
    )
    stream = hospital_stream(4 * (ROWS + HELD_OUT), seed=3)
    asked = [json.loads(m.value) for m in stream if m.kind in (Truth.CLEAN, Truth.REDUNDANT)][: ROWS + HELD_OUT]
    return [row | {"output": f"What is it that helps against {row['meta']['condition']} ?"} for row in asked]


@pytest.fixture
def running(kafka: LocalKafka, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """`ccit up` on real Kafka: the configuration and the file to feed."""
    pair = tiny_pair(cache_root() / "models", seed=0, progress=lambda *_: None)
    rows = rows_to_feed()
    write_jsonl(tmp_path / "feed.jsonl", rows[HELD_OUT:])
    write_jsonl(tmp_path / "held-out.jsonl", rows[:HELD_OUT])
    write_jsonl(tmp_path / "general.jsonl", general_rows(200, seed=3))
    sections: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap_servers": kafka.bootstrap_servers, "prefix": "real.", "batch_size": 32},
        "models": {"deployed": str(pair.deployed), "proxy": str(pair.proxy), "threads": 1},
        "selection": {"checks": {"length": {"min": 10}, "ifd": {"min": 0.05, "max": 3.0, "max_tokens": 512}}},
        "rounds": {
            "size": 48,
            "min_size": 16,
            "sources": {"general": {"file": str(tmp_path / "general.jsonl")}},
        },
        "training": {
            "learning_rate": 3e-3,
            "proxy_learning_rate": 3e-3,
            "epochs": 5,
            "batch_size": 8,
            "max_tokens": 384,
        },
        "evaluation": {
            "suites": {"domain": str(tmp_path / "held-out.jsonl")},
            # There is no general suite here, and a model of a million weights ends few answers within 24 tokens.
            "criteria": {"forgetting": False, "total_forgetting": False, "faults": False},
            "max_new_tokens": 24,
        },
        "serving": {"port": 0},
        "store": {"root": str(tmp_path / "store")},
    }
    config = tmp_path / "ccit.toml"
    config.write_text(tomli_w.dumps(sections), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "ccit.cli.main", "up", "--config", str(config), "--logs", str(tmp_path / "logs")]
    )
    try:
        yield config, tmp_path
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "ccit up ends cleanly on SIGTERM"


def until(found: Callable[[], Any], folder: Path) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if (value := found()) is not None:
            return value
        time.sleep(1.0)
    logs = "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in sorted((folder / "logs").glob("*.log")))
    raise AssertionError(f"nothing came within {WAIT_S:.0f} s\n{logs}")


@pytest.mark.timeout(900)
def test_real_rows_become_rounds_and_versions_on_real_kafka(running: tuple[Path, Path]) -> None:
    config, folder = running

    def replicas() -> dict[str, Any] | None:
        found = json.loads(ccit("status", "--config", str(config), "--json").stdout)["replicas"]
        active = {r["role"]: r for r in found if r["state"] == "active"}
        return active if {"score", "train", "serve"} <= set(active) else None

    def judged() -> dict[str, Any] | None:
        status = json.loads(ccit("status", "--config", str(config), "--json").stdout)
        return status if status["rounds_judged"] >= 1 else None

    started = until(replicas, folder)
    fed = json.loads(ccit("feed", "--config", str(config), "--json", str(folder / "feed.jsonl")).stdout)
    assert sum(fed["sent"].values()) == ROWS

    until(judged, folder)
    versions = json.loads(ccit("versions", "--config", str(config), "--json").stdout)
    verified = ccit("verify", "--config", str(config), "--json")
    audit = json.loads(verified.stdout)
    assert audit["findings"] == []
    assert audit["rounds"] >= 1

    client = openai.OpenAI(base_url=f"{started['serve']['detail']}/v1", api_key="any", max_retries=0)
    answer = client.chat.completions.create(
        model="ccit", messages=[{"role": "user", "content": "What is fever ?"}], max_tokens=8
    )
    assert (answer.system_fingerprint or "").startswith("ccit-v")

    promoted = [v for v in versions if v["number"] > 0]
    assert promoted, f"no version was promoted: {(folder / 'logs' / 'train-0.log').read_text()[-1500:]}"
    ccit("rollback", "--config", str(config), "--to", "0")
    assert (
        next(v["number"] for v in json.loads(ccit("versions", "--config", str(config), "--json").stdout) if v["active"])
        == 0
    )
    assert ccit("verify", "--config", str(config)).returncode == 0

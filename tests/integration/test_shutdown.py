"""Signals to the real commands on real Kafka: each leaves within its stated time, and requests in flight are answered.

Nothing is a stub: `ccit ingest`, `score`, `train`, `serve` and `ccit up` run as a user runs them, on a tiny model. What
happens to a batch and to a round at work is shown in `test_crash_matrix.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
import tomli_w
import torch
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from ccit.models.causal import load_causal
from ccit.testing import random_model
from consumers.kafka.clients import KafkaSettings, admin, error_of
from tests.integration.following import replica, until

ROLES = ("ingest", "score", "train", "serve")
PARTITIONS = {"ingest": 6, "score": 7, "train": 4}
DRAIN_S = 30.0
ENDS_WITHIN_S = {"ingest": 25.0, "score": 25.0, "train": 25.0, "serve": DRAIN_S + 5, "up": DRAIN_S + 10}
NOT_YET = (
    KafkaError.GROUP_ID_NOT_FOUND,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)
TOKENS = 400  # a second or two of answering


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that never ends an answer of its own accord: special tokens get the logit 0, which no argmax takes."""
    folder = random_model(tmp_path_factory.mktemp("model"), hidden=32, layers=8)
    causal = load_causal(str(folder), device="cpu", threads=1)
    with torch.no_grad():
        causal.model.get_input_embeddings().weight[-3:] = 0
    causal.model.save_pretrained(folder)
    return folder


@pytest.fixture
def config(settings: KafkaSettings, model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "ccit.toml"
    sections: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap_servers": settings.bootstrap_servers, "prefix": settings.prefix, "create_topics": False},
        "models": {"deployed": str(model), "proxy": str(model), "threads": 1, "device": "cpu"},
        "serving": {"port": 0, "drain_seconds": DRAIN_S, "max_new_tokens": TOKENS},
        "store": {"root": str(tmp_path / "store")},
    }
    path.write_text(tomli_w.dumps(sections), "utf-8")
    return path


@contextmanager
def started(config: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`ccit ARGUMENTS` in a process group of its own, as a shell starts it."""
    command = [sys.executable, "-m", "ccit.cli.main", *arguments, "--config", str(config)]
    with (config.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def members(asker: AdminClient, settings: KafkaSettings, role: str) -> list[int]:
    """Partitions that each member of a role's group has."""
    group = f"{settings.prefix}{role}"
    described = asker.describe_consumer_groups([group])[group].result(10)
    return [len(m.assignment.topic_partitions) if m.assignment else 0 for m in described.members]


def await_work(settings: KafkaSettings, server: str) -> str:
    """All four are at work: returns the server's address."""
    asker = admin(settings)

    def all_have_joined() -> bool:
        try:
            return all(members(asker, settings, role) == [partitions] for role, partitions in PARTITIONS.items())
        except TimeoutError:  # a broker that has just started is slow to answer on a busy machine
            return False
        except KafkaException as problem:
            if error_of(problem).code() not in NOT_YET:
                raise
            return False

    until(all_have_joined, "each has all partitions of its topic")
    until(lambda: state(settings, server) == "active", "the server is ready")
    found = replica(settings, server)
    return found.detail if found else ""


def state(settings: KafkaSettings, replica_id: str) -> str:
    found = replica(settings, replica_id)
    return found.state if found else ""


@contextmanager
def in_flight(url: str) -> Iterator[Iterator[str]]:
    """A streamed answer whose first token has come; yields the rest, line by line."""
    asked = {"model": "ccit", "prompt": "Dose?", "temperature": 0, "stream": True, "max_tokens": TOKENS}
    with httpx.stream("POST", f"{url}/v1/completions", json=asked, timeout=60) as answer:
        lines = (line.removeprefix("data: ") for line in answer.iter_lines() if line)
        next(lines)
        yield lines


def assert_whole(lines: Sequence[str]) -> None:
    assert lines[-1] == "[DONE]"
    last = [json.loads(line) for line in lines[:-1]][-1]
    assert last["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_each_consumer_leaves_at_the_first_signal(
    config: Path, settings: KafkaSettings, number: signal.Signals
) -> None:
    with (
        started(config, "ingest", "ingest", "--instance", "a") as ingest,
        started(config, "score", "score", "--instance", "a") as score,
        started(config, "train", "train", "--instance", "a") as train,
        started(config, "serve", "serve", "--instance", "a") as serve,
    ):
        processes = dict(zip(ROLES, (ingest, score, train, serve), strict=True))
        with in_flight(await_work(settings, "serve-a")) as lines:
            for process in processes.values():
                process.send_signal(number)
            assert_whole(list(lines))
        codes = {role: process.wait(ENDS_WITHIN_S[role]) for role, process in processes.items()}
    assert codes == dict.fromkeys(ROLES, 0)
    # A member that had vanished without a word would still be there; these have made room for their successors.
    assert [members(admin(settings), settings, role) for role in PARTITIONS] == [[], [], []]
    assert [state(settings, f"{role}-a") for role in ("score", "train", "serve")] == ["stopped"] * 3


@contextmanager
def up(config: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """`ccit up` and, once they are there, its children."""
    with started(config, "up", "up", "--logs", str(config.parent / "logs")) as process:
        until(lambda: "ccit runs 4 consumers" in (config.parent / "up.log").read_text(), "ccit up runs")
        children = psutil.Process(process.pid).children()
        assert len(children) == len(ROLES)
        yield process, children


@pytest.fixture
def server(settings: KafkaSettings) -> str:
    """Name of the server that `ccit up` starts."""
    return f"serve-{os.uname().nodename}-0"


@pytest.mark.parametrize("sender", ["terminal", "service manager"])
def test_requests_in_flight_are_answered_however_ccit_up_is_signalled(
    config: Path, settings: KafkaSettings, server: str, sender: str
) -> None:
    """A terminal signals the foreground process group; systemd signals every process of the service."""
    with up(config) as (process, children), in_flight(await_work(settings, server)) as lines:
        if sender == "terminal":
            os.killpg(process.pid, signal.SIGINT)
        else:
            for process_id in (*(child.pid for child in children), process.pid):
                os.kill(process_id, signal.SIGTERM)
        assert_whole(list(lines))
        assert process.wait(ENDS_WITHIN_S["up"]) == 0
        assert not any(child.is_running() for child in children)
    assert [members(admin(settings), settings, role) for role in PARTITIONS] == [[], [], []]
    assert state(settings, server) == "stopped"


def test_a_second_signal_ends_ccit_up_and_its_children_at_once(
    config: Path, settings: KafkaSettings, server: str
) -> None:
    with up(config) as (process, children), in_flight(await_work(settings, server)) as lines:
        os.killpg(process.pid, signal.SIGINT)
        until(lambda: "finishing and leaving" in (config.parent / "up.log").read_text(), "the first is heard")
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(ENDS_WITHIN_S["up"]) == 128 + signal.SIGINT
        with pytest.raises(httpx.TransportError):
            list(lines)
        psutil.wait_procs(children, 10)
        assert not any(child.is_running() for child in children)

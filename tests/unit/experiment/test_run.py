"""The page's example in small: killed in the middle of a cell and taken up, it gives the bytes of a run in one go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pytest

from ccit.assembly import versions
from ccit.console import Console
from ccit.demo.stage import merged
from ccit.errors import CcitError
from ccit.experiment import run
from ccit.experiment.cell import Line
from ccit.experiment.metrics import measures
from ccit.experiment.plan import Cell, read_plan
from ccit.experiment.run import run_experiment, said_of
from ccit.failpoints import ENVIRONMENT_VARIABLE, struck
from ccit.ports.training import Progress
from tests.architecture.source import ROOT
from tests.unit.experiment.conftest import Write

pytestmark = pytest.mark.trains


def example() -> dict[str, Any]:
    """The file on the page."""
    page = (ROOT / "docs" / "experiments.md").read_text("utf-8")
    return tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])


def test_the_example_on_the_page_is_checked_as_it_stands(write: Write) -> None:
    assert len(read_plan(write(**example()))) == 12


@pytest.fixture
def plan(write: Write, small: dict[str, Any]) -> Path:
    """Small, and of the second axis the last point alone: two cells."""
    tables = merged(example(), {"seeds": [0], "stream": {"records": 56, "days": 3}, "config": small})
    tables["axes"]["training.methods"] = tables["axes"]["training.methods"][-1:]
    return write(**tables)


def lines_of(cells: list[Cell], folder: Path) -> bytes:
    with Console(silent=True) as console:
        lines = run_experiment(cells, folder, 1, console)
    written = (folder / "results.jsonl").read_bytes()
    assert [orjson.loads(line) for line in written.splitlines()] == lines
    return written


@pytest.fixture
def own_code_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process that is killed has no plug-ins of other tests, which this one may have: its lines name the code."""
    monkeypatch.setattr(versions, "foreign_sources", dict)
    versions.code_digest.cache_clear()
    yield
    versions.code_digest.cache_clear()


@pytest.mark.usefixtures("own_code_alone")
def test_a_killed_experiment_goes_on_to_the_same_file(plan: Path, tmp_path: Path) -> None:
    cells, killed = read_plan(plan), tmp_path / "killed"
    command = [sys.executable, "-m", "ccit.cli.main", "experiment", str(plan), "--out", str(killed), "--json"]
    at = "training.finished@3"  # the first round of the second cell: the first one had two
    environment = {**os.environ, ENVIRONMENT_VARIABLE: at}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert struck("training.finished") in done.stderr
    kept = (killed / "results.jsonl").read_bytes()
    assert len(kept.splitlines()) == 1
    whole = lines_of(cells, tmp_path / "whole")
    assert lines_of(cells, killed) == whole
    assert whole.startswith(kept)  # the finished cell was not run again
    assert len((killed / "times.jsonl").read_bytes().splitlines()) == len(cells) == 2
    assert not list((killed / "work").iterdir())
    assert "2 cells: 2 arms on 1 seed." in (killed / "report.html").read_text("utf-8")
    _is_sound([orjson.loads(line) for line in whole.splitlines()])


def _is_sound(lines: list[dict[str, Any]]) -> None:
    every, third = lines
    assert [line["failed"] for line in lines] == [""] * 2
    assert every["at"] == {"policy": "accept_all", "training.methods": "average share=0.7", "seed": "0"}
    assert every["periods"] == ["wave-1", "wave-2"]
    assert [len(row) for row in every["matrix"]] == [2, 2, 2]
    records, counted = every["records"], every["records"]["kinds"]
    assert records["in"] == 56 == records["decided"] + records["unreadable"]
    assert records["accepted"] == sum(let_in for _, let_in in counted.values())
    assert records["decided"] == sum(came for came, _ in counted.values())
    assert sum(sum(r["counts"][part] for part in ("training", "validation")) for r in every["rounds"]) == (
        records["accepted"] - every["untrained"]["left"]
    )
    assert third["spend"]["training"]["tokens"] < every["spend"]["training"]["tokens"]
    assert min(own["flops"] for own in every["spend"].values()) > 0
    assert 0 < measures(every)["waiting"] < records["accepted"]
    assert said_of(every).startswith("accuracy ")


class _Threads(ThreadPoolExecutor):
    """In the place of processes, which would each load the libraries."""

    def __init__(self, jobs: int, **_: object) -> None:
        super().__init__(jobs)


def test_several_at_a_time_give_the_file_of_one_at_a_time(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = read_plan(write(seeds=[0, 1, 2]))
    first_is_done = Event()

    def stub(cell: Cell, folder: Path, progress: Progress) -> Line:
        if cell.seed == 0:
            assert first_is_done.wait(10)  # the first cell ends last
        if cell.seed == 2:
            first_is_done.set()
        return {"cell": cell.cell_id, "at": dict(cell.point), "code": "c", "failed": "a stub"}

    monkeypatch.setattr(run, "run_cell", stub)
    monkeypatch.setattr(run, "ProcessPoolExecutor", _Threads)
    with Console(silent=True) as console:
        lines = run_experiment(cells, tmp_path / "out", 3, console)
    assert [line["at"]["seed"] for line in lines] == ["0", "1", "2"]
    written = (tmp_path / "out" / "results.jsonl").read_bytes()
    assert [orjson.loads(line) for line in written.splitlines()] == lines


def test_a_process_that_dies_is_one_sentence(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = read_plan(write(seeds=[0, 1]))

    def stub(cell: Cell, folder: Path, progress: Progress) -> Line:
        if cell.seed == 1:
            raise BrokenProcessPool
        return {"cell": cell.cell_id, "at": dict(cell.point), "code": "c", "failed": "a stub"}

    monkeypatch.setattr(run, "run_cell", stub)
    monkeypatch.setattr(run, "ProcessPoolExecutor", _Threads)
    with (
        Console(silent=True) as console,
        pytest.raises(CcitError, match="run the command again, finished cells are kept"),
    ):
        run_experiment(cells, tmp_path, 2, console)

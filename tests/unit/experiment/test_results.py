"""The file of lines: in the grid's order whatever was finished first, whole at any time, one process at a time."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ccit.errors import ConfigError
from ccit.experiment.plan import Cell, read_plan
from ccit.experiment.results import Results, alone_in
from tests.unit.experiment.conftest import Write


@pytest.fixture
def cells(write: Write) -> list[Cell]:
    return read_plan(write(seeds=[0, 1, 2]))


def test_the_order_is_the_grids(cells: list[Cell], tmp_path: Path) -> None:
    results = Results(tmp_path, cells)
    for number in (2, 0, 1):
        results.add({"cell": cells[number].cell_id, "number": number}, seconds=1.0)
    written = (tmp_path / "results.jsonl").read_bytes()
    assert [orjson.loads(line)["number"] for line in written.splitlines()] == [0, 1, 2]
    assert b"seconds" not in written
    assert len((tmp_path / "times.jsonl").read_bytes().splitlines()) == 3


def test_what_is_there_is_finished_and_what_left_the_grid_stays(cells: list[Cell], tmp_path: Path) -> None:
    Results(tmp_path, cells).add({"cell": cells[0].cell_id}, 1.0)
    again = Results(tmp_path, cells[1:])
    again.add({"cell": cells[1].cell_id}, 1.0)
    assert [cell in again for cell in cells] == [True, True, False]
    assert [line["cell"] for line in again.lines] == [cells[1].cell_id]
    kept = (tmp_path / "results.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["cell"] for line in kept] == [cells[1].cell_id, cells[0].cell_id]


def test_a_resumed_grid_has_the_labels_and_the_order_of_today(write: Write, tmp_path: Path) -> None:
    arms = {"three": {"training": {"rank": 3}}, "five": {"training": {"rank": 5}}}
    before = read_plan(write(axes={"rank": arms}))
    results = Results(tmp_path, before)
    for number, cell in enumerate(before):
        results.add({"cell": cell.cell_id, "at": dict(cell.point), "number": number}, 1.0)
    renamed = read_plan(write(axes={"size": {"V": arms["five"], "III": arms["three"]}}))
    again = Results(tmp_path, renamed)
    assert all(cell in again for cell in renamed)
    written = [orjson.loads(line) for line in (tmp_path / "results.jsonl").read_bytes().splitlines()]
    assert written == again.lines
    assert [(line["number"], line["at"]) for line in written] == [
        (1, {"size": "V", "seed": "0"}),
        (0, {"size": "III", "seed": "0"}),
    ]


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path / "out"),
        pytest.raises(ConfigError, match="another `ccit experiment`"),
        alone_in(tmp_path / "out"),
    ):
        pass
    with alone_in(tmp_path / "out"):
        pass

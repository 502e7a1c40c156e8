"""The lines of an experiment: one file, whole after every cell, in the order of the grid whatever happened on the way.

A finished cell is in the file or it is not: the file is written anew beside the old one and renamed over it. So whoever
kills the process loses the cells that were running and nothing else, and the file in the end is the same.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from ccit.errors import ConfigError
from ccit.experiment.cell import Line
from ccit.experiment.plan import Cell
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory, open_private

RESULTS, TIMES, _LOCK = "results.jsonl", "times.jsonl", ".lock"


class Results:
    """What is finished. Lines of cells that the grid no longer has stay, behind the others.

    Parameters
    ----------
    folder : Path
        Holds `results.jsonl`, and `times.jsonl` with what depends on the machine's mood.
    cells : Sequence[Cell]
        The grid.
    """

    def __init__(self, folder: Path, cells: Sequence[Cell]) -> None:
        self._path, self._times = folder / RESULTS, folder / TIMES
        self._order = {cell.cell_id: number for number, cell in enumerate(cells)}
        self._lines: dict[str, Line] = {}
        if self._path.exists():
            self._take_up({cell.cell_id: dict(cell.point) for cell in cells})

    def __contains__(self, cell: Cell) -> bool:
        return cell.cell_id in self._lines

    @property
    def lines(self) -> list[Line]:
        """Those of the grid, in its order."""
        return sorted((self._lines[known] for known in self._order if known in self._lines), key=self._place)

    def add(self, line: Line, seconds: float) -> None:
        """Keep the line of a finished cell; how long it took goes to a file of its own. Raises `StorageFailed`."""
        self._lines[line["cell"]] = line
        write_atomically(self._path, self._whole())
        with open_private(self._times, "ab") as file:
            file.write(orjson.dumps({"cell": line["cell"], "seconds": round(seconds, 1)}) + b"\n")

    def _take_up(self, points: Mapping[str, Mapping[str, str]]) -> None:
        """Read what is there. Labels and order are the grid's of today: a cell's id does not depend on them."""
        before = self._path.read_bytes()
        for written in before.splitlines():
            line = orjson.loads(written)
            if line["cell"] in points:
                line["at"] = points[line["cell"]]
            self._lines[line["cell"]] = line
        if (whole := self._whole()) != before:
            write_atomically(self._path, whole)

    def _whole(self) -> bytes:
        return b"".join(orjson.dumps(one) + b"\n" for one in sorted(self._lines.values(), key=self._place))

    def _place(self, line: Line) -> int:
        return self._order.get(line["cell"], len(self._order))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make the folder and keep others out of it while this runs. Raises `ConfigError` where another is in it."""
    make_directory(folder)
    with open_private(folder / _LOCK, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"another `ccit experiment` is at work in {folder}; wait for it or set --out") from None
        yield

"""A whole grid: what is not finished yet is run, one cell after another or several at a time."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ccit.console import Console
from ccit.errors import CcitError
from ccit.experiment.cell import Line, run_cell
from ccit.experiment.metrics import average_accuracy
from ccit.experiment.plan import Cell
from ccit.experiment.report import render_experiment
from ccit.experiment.results import Results, alone_in
from ccit.report.words import NOT_MEASURED
from ccit.store.atomic import write_atomically
from consumers.orphans import end_with

_CELLS = "cells"
REPORT = "report.html"


def run_experiment(cells: Sequence[Cell], folder: Path, jobs: int, console: Console) -> list[Line]:
    """Run every cell that has no line in `folder` yet, and give all lines of the grid in its order.

    The page about what is finished is written after each cell.

    Parameters
    ----------
    jobs : int
        Cells at a time; each beyond the first is a process of its own, with the models in its memory.

    Raises
    ------
    CcitError
        What a cell raises, or that its process died; what was finished by then is kept.
    """
    with alone_in(folder):
        results = Results(folder, cells)
        waiting = [cell for cell in cells if cell not in results]
        if len(waiting) < len(cells):
            console.story(f"{len(cells) - len(waiting)} of {len(cells)} cells are finished already")
        console.progress(_CELLS, len(cells) - len(waiting), len(cells))
        made = _alone(waiting, folder, console) if jobs == 1 else _together(waiting, folder, jobs)
        for number, (cell, line, seconds) in enumerate(made, start=1):
            results.add(line, seconds)
            _show(results, folder)
            console.story(f"{cell.name}: {said_of(line)}")
            console.progress(_CELLS, len(cells) - len(waiting) + number, len(cells))
        _show(results, folder)
        return results.lines


def _show(results: Results, folder: Path) -> None:
    write_atomically(folder / REPORT, render_experiment(folder.name, results.lines).encode())


def said_of(line: Line) -> str:
    """A line in a sentence.

    >>> said_of({"failed": "", "matrix": [[0.1, 0.2], [0.5, 0.25]], "rounds": [{}], "records": {"accepted": 7}})
    'accuracy 37.5 % after 1 rounds of 7 accepted samples'
    """
    if line["failed"]:
        return f"failed: {line['failed']}"
    mean = average_accuracy(line["matrix"])
    said = NOT_MEASURED if math.isnan(mean) else f"{100 * mean:.1f} %"
    return f"accuracy {said} after {len(line['rounds'])} rounds of {line['records']['accepted']} accepted samples"


def _alone(cells: Sequence[Cell], folder: Path, console: Console) -> Iterator[tuple[Cell, Line, float]]:
    for cell in cells:
        began = time.monotonic()
        yield cell, run_cell(cell, _work(folder, cell), console.progress), time.monotonic() - began


def _together(cells: Sequence[Cell], folder: Path, jobs: int) -> Iterator[tuple[Cell, Line, float]]:
    context, ends = multiprocessing.get_context("spawn"), (os.getpid(), signal.SIGKILL)  # or the next run meets them
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with, initargs=ends) as pool:
        try:
            running = {pool.submit(_timed, cell, _work(folder, cell)): cell for cell in cells}
            for done in as_completed(running):
                line, seconds = done.result()
                yield running[done], line, seconds
        except BrokenProcessPool as error:
            raise CcitError("a process that ran a cell died; run the command again, finished cells are kept") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _timed(cell: Cell, folder: Path) -> tuple[Line, float]:
    began = time.monotonic()
    return run_cell(cell, folder, _unwatched), time.monotonic() - began


def _unwatched(stage: str, done: int, total: int) -> None:
    """Of several cells at a time only the ends are told."""


def _work(folder: Path, cell: Cell) -> Path:
    return folder / "work" / cell.cell_id

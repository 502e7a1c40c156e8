"""`ccit experiment`: a grid of settings over a stream of which the truth is known, measured."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from ccit.cli.options import as_json


@click.command()
@click.argument("plan", metavar="FILE.toml", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: runs/experiments/NAME.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Cells at a time.")
@as_json
def experiment(plan: Path, out: Path | None, jobs: int, as_json: bool) -> None:
    """Run the loop once for each cell of the grid in FILE.toml, in this process, without a broker.

    Every cell is checked before the first one runs. What is finished is kept: run the same command again after a kill,
    and only what is missing is run. OUT/results.jsonl has a line for each cell, in the order of the grid and without
    times (those are in OUT/times.jsonl): it comes out the same however often it was interrupted. OUT/report.html shows
    what is finished.
    """
    from ccit.console import Console
    from ccit.experiment.plan import read_plan
    from ccit.experiment.run import REPORT, run_experiment

    folder = out or Path("runs", "experiments", plan.stem)
    cells = read_plan(plan)
    with Console(silent=as_json) as console:
        lines = run_experiment(cells, folder, jobs, console)
        if as_json:
            click.echo(orjson.dumps({"out": str(folder), "cells": lines}).decode())
        else:
            console.story(f"{len(lines)} cells in {folder / 'results.jsonl'}, shown in {folder / REPORT}")

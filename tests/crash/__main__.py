"""The long crash matrix: `python -m tests.crash --records 100000 --kills 1000 --seed 0`.

Ends with one line `lost=0 twice=0 ... seed=0` and exit code 1 if any law was broken. `--out` keeps the logs of every
process and `progress.jsonl`, one line every few seconds, so that an interrupted run shows how far it came.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.crash.bouncer import Bouncer
from tests.crash.ledger import traces
from tests.crash.results import Result, write_page
from tests.crash.storm import Tally, storm
from tests.crash.system import System

PAGE = Path(__file__).parents[2] / "docs" / "crash-matrix.md"
_LINE_EVERY_S = 5.0


class Teller:
    """Shows how far the run is: a bar on a terminal, a line every few seconds in the progress file."""

    def __init__(self, system: System, bouncer: Bouncer, records: int, kills: int, bar: Progress, file: Path) -> None:
        self._system = system
        self._bouncer = bouncer
        self._bar = bar
        self._file = file
        self._kills = bar.add_task("kills", total=kills)
        self._decided = bar.add_task("decided", total=records)
        self._began = time.monotonic()
        self._next = 0.0

    def __call__(self, tally: Tally) -> None:
        """Told ten times a second; looks at the topics every few seconds."""
        self._bar.update(self._kills, completed=tally.killed)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY_S
        if self._bouncer.failure:
            raise click.ClickException(f"the brokers gave up: {self._bouncer.failure}")
        ledger = self._system.ledger
        ledger.poll()
        self._bar.update(self._decided, completed=len(ledger.decisions))
        line = {
            "seconds": round(time.monotonic() - self._began),
            "kills": tally.killed,
            "bounces": sum(self._bouncer.bounces.values()),
            "fed": self._system.feed.published,
            "decided": len(ledger.decisions),
            "samples": len(ledger.samples),
            "rounds": len(ledger.outcomes),
            "fenced": tally.fenced,
            "unclear": tally.unclear,
        }
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


@click.command()
@click.option("--records", default=100_000, show_default=True, help="Raw messages fed.")
@click.option("--kills", default=1000, show_default=True, help="Processes killed before the end is let settle.")
@click.option("--seed", default=0, show_default=True, help="Draws what is done to whom, and in which order.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/crash-matrix"), show_default=True)
@click.option("--write-docs", is_flag=True, help="Write the table of results to docs/crash-matrix.md.")
def main(records: int, kills: int, seed: int, out: Path, write_docs: bool) -> None:
    """Kill every consumer again and again on three brokers that go down, and count what was lost or done twice."""
    logging.getLogger("ccit.kafka").setLevel(logging.CRITICAL)  # brokers go down on purpose
    folder = out / time.strftime("%Y%m%d-%H%M%S")
    folder.mkdir(parents=True)
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bouncer(seed) as bouncer, Progress(*columns) as bar:
        if bouncer.broker is None:
            raise click.ClickException(bouncer.failure)
        settings = bouncer.broker.settings("crash.")
        with System(settings, folder, accepted_share=0.06, batch_size=100, replication=3) as system:
            teller = Teller(system, bouncer, records, kills, bar, folder / "progress.jsonl")
            bouncer.begin()
            tally = storm(system, records, kills, seed, bouncer.calm, teller)
            if bouncer.failure:
                raise click.ClickException(f"the brokers gave up: {bouncer.failure}")
            result = Result(
                records, kills, seed, tally, bouncer.bounces, system.truth(), system.summary(), time.monotonic() - began
            )
            if result.broken or result.summary["records that the feed wrote twice"]:
                (folder / "twice.json").write_text(json.dumps(traces(settings), indent=1), encoding="utf-8")
    if write_docs:
        write_page(PAGE, result)
    for sentence in tally.unclear:
        sys.stdout.write(f"unclear end: {sentence}\n")
    for what in result.undone:
        sys.stdout.write(f"never came: {what}\n")
    sys.stdout.write(f"{result.line()}\n")
    sys.exit(0 if result.broken == 0 else 1)


if __name__ == "__main__":
    main()

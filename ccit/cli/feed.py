"""`ccit feed`: publish the rows of files, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import AtLeastZero, as_json, config_file, load

if TYPE_CHECKING:
    from ccit.console import Console
    from consumers.feed import Raw


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_file
@click.option(
    "--rate", type=AtLeastZero(), default=0.0, help="Records per second; as fast as the broker takes them without it."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=0, help="Records per file, the first ones; all without it."
)
@as_json
def feed(files: tuple[Path, ...], config_path: Path | None, rate: float, limit: int, as_json: bool) -> None:
    """Publish records from FILES (JSONL instruction rows, one object per line) to the raw topic.

    \b
    A row:  {"id": "7", "source": "ward", "lang": "en", "instruction": "...", "input": "", "output": "..."}
    Then:   ccit status     shows how they are decided
    """
    from ccit.console import Console
    from ccit.ingest.files import lines_of
    from consumers.connection import ready_broker
    from consumers.feed import Feeder

    settings = ready_broker(load(config_path))
    sent = {}
    console = Console(silent=as_json)
    try:
        for file in files:
            total = min(sum(1 for _ in lines_of(file)), limit or sys.maxsize)
            feeder = Feeder(settings, partial(_show, console, file.name, total))
            sent[str(file)] = feeder.send(_rows(file, limit), rate)
    finally:
        console.close()
    if as_json:
        click.echo(orjson.dumps({"sent": sent}).decode())
    else:
        click.echo(f"{sum(sent.values())} records from {len(files)} files are on {settings.prefix}raw")


def _show(console: Console, name: str, total: int, done: int) -> None:
    console.progress(name, done, total)


def _rows(file: Path, limit: int) -> Iterator[Raw]:
    """Lines as they are: what is wrong with one is for ingest to find and to keep. A subject's stay in order."""
    from ccit.ingest.files import lines_of
    from ccit.ingest.rows import subject_in
    from consumers.feed import Raw

    for number, line in enumerate(lines_of(file), start=1):
        if limit and number > limit:
            return
        yield Raw((subject_in(line) or f"{file.stem}:{number}").encode(), line)

"""`ccit feed`: publish the records of files, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import orjson

from ccit.cli.options import AtLeastZero, as_json, config_file, load

if TYPE_CHECKING:
    from ccit.config import Config
    from ccit.console import Console
    from ccit.errors import InputError as InputErrorType
    from ccit.ingest.clinical_files.files import ClinicalFiles
    from consumers.feed import Raw

_RAW: Literal["raw"] = "raw"
_CLINICAL: Literal["clinical"] = "clinical"


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
    """Publish records from FILES: instruction rows (JSONL) to the raw topic, HL7 v2 and FHIR to the clinical one.

    What a file is, its content says. Clinical files may be packed by gzip; all of one command are one export.

    \b
    A row:  {"id": "7", "source": "ward", "lang": "en", "instruction": "...", "input": "", "output": "..."}
    Then:   ccit status     shows how they are decided
    """
    from ccit.console import Console
    from ccit.errors import InputError
    from ccit.ingest.clinical_files.files import ClinicalFiles
    from ccit.ingest.files import lines_of
    from consumers.connection import ready_broker
    from consumers.feed import Feeder

    config = load(config_path)
    settings = ready_broker(config)
    sent: dict[str, int] = {}
    left_out: dict[str, int] = {}
    topics: set[str] = set()
    with Console(silent=as_json) as console, ClinicalFiles(files, config.clinical.max_bytes) as clinical:
        for file in files:
            faults = _Faults(file.name)
            if clinical.forms[file]:
                _require_reader(config, file)
            messages = _messages(file, clinical, faults, limit) if clinical.forms[file] else _rows(file, limit)
            total = None if clinical.forms[file] else min(sum(1 for _ in lines_of(file)), limit or sys.maxsize)
            topic = _CLINICAL if clinical.forms[file] else _RAW
            feeder = Feeder(settings, partial(_show, console, file.name, total), topic)
            sent[str(file)] = feeder.send(messages, rate)
            left_out |= {str(file): faults.count} if faults.count else {}
            topics.add(f"{settings.prefix}{topic}")
    if as_json:
        click.echo(orjson.dumps({"sent": sent, "left_out": left_out}).decode())
    else:
        click.echo(f"{sum(sent.values())} records from {len(files)} files are on {' and '.join(sorted(topics))}")
    if left_out:
        raise InputError("wrong_schema", f"{sum(left_out.values())} places in the files gave no message; see above")


class _Faults:
    """Tells on stderr what a file gave no message for, and counts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0

    def __call__(self, place: str, fault: InputErrorType) -> None:
        self.count += 1
        click.echo(": ".join(filter(None, (self._name, place, str(fault)))), err=True)


def _require_reader(config: Config, file: Path) -> None:
    """Return when somebody will read it: nothing that names patients is put where it only lies."""
    from ccit.errors import ConfigError

    if "clinical" not in config.model_fields_set:
        raise ConfigError(
            f"expected a table [clinical] in the configuration, found none; {file} holds HL7 v2 or FHIR, which goes to "
            "the topic `clinical`, and `ccit up` reads that only with such a table"
        )
    if not config.clinical.readers:
        raise ConfigError(f"expected a reader in [clinical.readers] for {file}, found none; select fhir or hl7v2")


def _show(console: Console, name: str, total: int | None, done: int) -> None:
    console.progress(name, done, total)


def _messages(file: Path, clinical: ClinicalFiles, faults: _Faults, limit: int) -> Iterator[Raw]:
    """Messages of HL7 v2 and FHIR: what is wrong with one is for the reader to say. A patient's stay in order."""
    from consumers.feed import Raw

    number = 0
    for piece in clinical.pieces(file):
        if piece.fault is not None:
            faults(piece.place, piece.fault)
        elif piece.value:
            number += 1
            key = piece.subject or f"{file.stem}:{piece.place}"
            yield Raw(key.encode("utf-8", "replace"), piece.value, piece.content_type)
        if limit and number == limit:
            return


def _rows(file: Path, limit: int) -> Iterator[Raw]:
    """Lines as they are: what is wrong with one is for ingest to find and to keep. A subject's stay in order."""
    from ccit.ingest.files import lines_of
    from ccit.ingest.rows import subject_in
    from consumers.feed import Raw

    for number, line in enumerate(islice(lines_of(file), limit or None), start=1):
        yield Raw((subject_in(line) or f"{file.stem}:{number}").encode(), line)

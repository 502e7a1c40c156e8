"""`ccit inspect`: what would become of clinical files, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import as_json, config_file, load

if TYPE_CHECKING:
    from ccit.config import Config
    from ccit.console import Console
    from ccit.deidentify.documents import CleanDocument
    from ccit.inspection import Account, Inspection

_MOST_FILES = 40  # that get a line of their own


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_file
@click.option(
    "--limit", type=click.IntRange(min=0), default=0, help="Messages per file, the first ones; all without it."
)
@click.option("--show", type=click.IntRange(min=0), default=0, help="Show so many texts, de-identified.")
@as_json
def inspect(files: tuple[Path, ...], config_path: Path | None, limit: int, show: int, as_json: bool) -> None:
    """Show what would become of FILES: HL7 v2 and FHIR, packed by gzip or not. Nothing is sent or written.

    Messages and resources found, texts in them, identifiers masked, instruction rows made, refusals. All files together
    are one export: a note finds its patient in another file. What is shown of a text went through de-identification;
    that does not make it free of identities.
    """
    from ccit.console import Console
    from ccit.ingest.clinical_files.files import ClinicalFiles
    from ccit.inspection import Account

    config, shown = load(config_path), _Shown(show)
    with Console(silent=as_json) as console:
        each: dict[str, Account] = {}
        reading = _Bar(console, "reading", files)
        with ClinicalFiles(files, config.clinical.max_bytes, reading) as opened:
            reading.finish()
            inspection, bar = _inspection(config, shown), _Bar(console, "inspecting", files)
            for path in files:
                account = each[str(path)] = Account()
                for piece in islice(opened.pieces(path), limit or None):
                    inspection.piece(piece, account)
                    bar(path, piece.at)
                bar(path, path.stat().st_size)
            bar.finish()
        if as_json:
            found = {name: account.as_json() for name, account in each.items()}
            total = _total(each).as_json() | {"sentences": {}}
            click.echo(orjson.dumps({"files": found, "total": total, "shown": shown.texts}).decode())
        else:
            _tell(console, each)
            for place, text in shown.texts:
                click.echo(f"\n--- {place}\n{_readable(text)}")


class _Bar:
    """One bar for all files, in bytes as they lie on disk."""

    def __init__(self, console: Console, name: str, files: Sequence[Path]) -> None:
        self._console, self._name = console, name
        self._at = dict.fromkeys(files, 0)
        self._total = sum(file.stat().st_size for file in self._at)

    def __call__(self, path: Path, at: int) -> None:
        self._at[path] = at
        self._console.progress(self._name, sum(self._at.values()), self._total)

    def finish(self) -> None:
        """Take it away."""
        self._console.finish(self._name)


class _Shown:
    """The first cleaned texts, with the place of each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.texts: list[tuple[str, str]] = []

    def __call__(self, place: str, clean: CleanDocument) -> None:
        if len(self.texts) < self._most and clean.body["text"]:
            self.texts.append((place, str(clean.body["text"])))


def _inspection(config: Config, shown: _Shown) -> Inspection:
    """As the door reads and cleans, with pseudonyms that are forgotten at the end."""
    from ccit.assembly.ingest import clinical_readers, document_cleaner
    from ccit.ingest.document_rows import row_from_document
    from ccit.inspection import Inspection

    forgetting = config.model_copy(update={"deidentify": config.deidentify.model_copy(update={"table_file": ""})})
    return Inspection(clinical_readers(config), document_cleaner(forgetting), row_from_document, shown)


def _total(each: dict[str, Account]) -> Account:
    from ccit.inspection import Account

    total = Account()
    for account in each.values():
        total.add(account)
    return total


def _tell(console: Console, each: dict[str, Account]) -> None:
    total = _total(each)
    if 1 < len(each) <= _MOST_FILES:
        rows = [(Path(name).name, *_sums(account)) for name, account in each.items()]
        console.table("Files", ("file", "found", "documents", "samples", "held back", "refused"), rows)
    kinds = sorted({*total.found, *total.documents})
    columns = (total.found, total.passed_over, total.documents, total.samples)
    console.table(
        "What is in them",
        ("type", "found", "stands beside others", "documents", "samples"),
        [(kind, *(counted[kind] for counted in columns)) for kind in kinds],
    )
    _counts(console, f"Identifiers masked in {total.characters:,} characters", "class", total.masked)
    _counts(console, "Held back after masking", "reason", total.held_back)
    _counts(console, "Refused", "reason", total.refused)
    _counts(console, "Noticed", "what", total.noticed)
    why = [(Path(name).name, place, text) for name, one in each.items() for place, text in one.sentences.items()]
    if why:
        console.table("Why", ("file", "place", "sentence"), why[:_MOST_FILES])


def _counts(console: Console, title: str, what: str, counted: Counter[str]) -> None:
    if counted:
        console.table(title, (what, "number"), counted.most_common())


def _sums(account: Account) -> tuple[int, ...]:
    counted = (account.found, account.documents, account.samples, account.held_back, account.refused)
    return tuple(one.total() for one in counted)


def _readable(text: str) -> str:
    from ccit.console import printable

    return "\n".join(printable(line) for line in text.split("\n"))

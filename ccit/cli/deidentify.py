"""`ccit deidentify`: identities out of the clinical documents of a file, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from ccit.cli.options import as_json, config_file, load

if TYPE_CHECKING:
    from ccit.clinical import ClinicalDocument
    from ccit.errors import InputError as InputErrorType


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="One masked document per line."
)
@config_file
@as_json
def deidentify(file: Path, out: Path, config_path: Path | None, as_json: bool) -> None:
    """Take identities out of the documents of FILE: JSON lines, or one text.

    \b
    A line:  {"text": "...", "title": "...", "subject": "4711", "written": "2019-03-14",
              "people": [{"role": "patient", "names": [{"family": "Roe", "given": ["Ann"]}], ...}], "places": [...]}
    What `people` and `places` hold is masked in every form; what else looks like an identifier, too.

    What is still found after masking is held back, and counted; nothing of it is written or shown. Following the rules
    of [deidentify] does not make a text free of identities: read a sample of what comes out.
    """
    from ccit.assembly.ingest import document_cleaner
    from ccit.errors import InputError
    from ccit.store.atomic import write_atomically

    cleaner = document_cleaner(load(config_path))
    lines: list[bytes] = []
    masked: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for number, document in enumerate(_documents(file), start=1):
        try:
            if isinstance(document, InputError):
                raise document
            clean = cleaner.clean(document)
        except InputError as error:
            held[error.reason] += 1
            click.echo(f"{file.name}:{number}: {error}", err=True)
        else:
            masked.update(clean.masked)
            lines.append(orjson.dumps(clean.body))
    write_atomically(out, b"".join(line + b"\n" for line in lines))
    counted = {"written": len(lines), "held_back": dict(sorted(held.items())), "masked": dict(sorted(masked.items()))}
    click.echo(orjson.dumps(counted).decode() if as_json else _told(counted, out))


def _told(counted: dict[str, Any], out: Path) -> str:
    found = ", ".join(f"{n} {kind}" for kind, n in counted["masked"].items()) or "none"
    held = sum(counted["held_back"].values())
    return f"{counted['written']} documents written to {out}, {held} held back; masked: {found}"


def _documents(file: Path) -> Iterator[ClinicalDocument | InputErrorType]:
    """Each line's document, or why it is none."""
    from ccit.errors import InputError
    from ccit.ingest.documents import document_from_line, document_of_text
    from ccit.ingest.files import lines_of

    if file.suffix.lower() in (".txt", ".md"):
        yield document_of_text(file.read_bytes().decode("utf-8", "replace"), file.stem)
        return
    for number, line in enumerate(lines_of(file), start=1):
        try:
            yield document_from_line(line, f"{file.stem}:{number}")
        except InputError as error:
            yield error

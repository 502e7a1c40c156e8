"""`ccit rebuild VERSION`: make a version again from its manifest, and compare."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import as_json, config_file, load
from ccit.errors import CcitError

if TYPE_CHECKING:
    from ccit.config import Config
    from ccit.console import Console
    from ccit.rebuild import Provenance, Rebuilt


@click.command()
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@config_file
@as_json
def rebuild(number: int, config_path: Path | None, as_json: bool) -> None:
    """Make VERSION again from its manifest, and compare it byte by byte with what was announced.

    Read from the topics: manifest, parent, samples. Nothing is published. On the machine and with the libraries that
    made it both adapters come out the same; where one does not, the difference is measured, and the exit code is 1.
    A stored file that was missing or damaged is whole again after a rebuild to the same bytes.
    """
    from ccit.assembly.versions import base_version
    from ccit.console import Console
    from consumers.connection import kafka_settings
    from consumers.kafka.clients import require_broker
    from consumers.provenance import provenance_of

    config = load(config_path)
    settings = kafka_settings(config)
    require_broker(settings)
    with Console(silent=as_json) as console:
        provenance = provenance_of(number, settings, base_version(config))
        done = _rebuilt(provenance, config, console)
        for role, adapter in done.adapters.items():
            console.story(f"{role}: {adapter.said() or f'the same bytes, {adapter.made}'}")
    if as_json:
        click.echo(orjson.dumps({**asdict(done), "equal": done.equal}, option=orjson.OPT_INDENT_2).decode())
    if not done.equal:
        differing = "; ".join(f"{role}: {a.said()}" for role, a in done.adapters.items() if not a.equal)
        why = f" ({'; '.join(done.notes)})" if done.notes else ""
        raise CcitError(f"version {number} does not come out the same{why}: {differing}")


def _rebuilt(provenance: Provenance, config: Config, console: Console) -> Rebuilt:
    from ccit.assembly.rounds import recipe
    from ccit.assembly.training import retraining
    from ccit.assembly.versions import base_version, code_digest
    from ccit.rebuild import Rebuilt, changes, material
    from ccit.rebuild import rebuild as run

    notes = changes(provenance, config.training_digest(), code_digest(), config.training.batch_tokens)
    for note in notes:
        console.story(f"note: {note}")
    found = material(provenance, recipe(config, base_version(config)).sources)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ccit-rebuild-") as folder:
        parts = retraining(config, provenance.candidate.batch_tokens, Path(folder))
        compared = run(provenance, found, parts.trainer, parts.made, parts.kept, console.progress)
    return Rebuilt(provenance.version.number, provenance.planned.round_id, compared, notes, time.monotonic() - start)

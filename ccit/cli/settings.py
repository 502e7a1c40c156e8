"""`ccit config`: the configuration in force, and the documentation of every key, from `ccit/config.py` itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ccit.cli.options import config_file, load


@click.command()
@config_file
@click.option("--markdown", is_flag=True, help="Document every key: type, default, meaning (docs/configuration.md).")
def config(config_path: Path | None, markdown: bool) -> None:
    """Show the configuration in force (file and CCIT_* variables) as JSON, or document every key."""
    if markdown:
        click.echo("\n".join(documentation()))
        return
    found = load(config_path)
    token = found.serving.token
    click.echo(
        found.model_dump_json(indent=2).replace(f'"{token}"', '"***"') if token else found.model_dump_json(indent=2)
    )


def documentation() -> Iterator[str]:
    """The lines of docs/configuration.md."""
    from ccit.config import Config

    yield "# Configuration"
    yield ""
    yield "One TOML file, one table per section. `CCIT_SECTION__KEY` in the environment overrides a key. An unknown key is"
    yield "an error. The defaults are those of arXiv 2503.15924 where the paper gives them. Generated: `ccit config --markdown`."
    for name, section in Config.model_fields.items():
        fields: dict[str, Any] = section.annotation.model_fields  # type: ignore[union-attr]  # every section is a model
        yield ""
        yield f"## [{name}]"
        yield ""
        yield " ".join((section.annotation.__doc__ or "").split())
        yield ""
        yield "| key | default | meaning |"
        yield "|---|---|---|"
        for key, field in fields.items():
            yield f"| `{key}` | `{_shown(field.default)}` | {' '.join((field.description or '').split())} |"


def _shown(default: Any) -> str:
    if isinstance(default, Path):
        return str(default).replace(str(Path.home()), "~")
    return '""' if default == "" else str(default)

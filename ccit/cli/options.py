"""Flags that several commands share, and the configuration they lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ccit.config import Config

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document for a program to read.")


def config_file(command: F) -> F:
    """`--config FILE`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="CCIT_CONFIG",
        help="TOML file with the settings; defaults and CCIT_* variables without it.",
    )(command)


def load(path: Path | None) -> Config:
    """The configuration in force. Raises `ConfigError`."""
    from ccit.config import load_config

    return load_config(path)

"""Flags that several commands share, and the configuration they lead to."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ccit.config import Config
    from consumers.kafka.clients import KafkaSettings


class AtLeastZero(click.FloatRange):
    """A finite number of 0 or more; click's own range lets NaN through, as no bound holds against it."""

    def __init__(self) -> None:
        super().__init__(min=0.0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; ends the command with exit code 2 for any other."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"expected a finite number, found {value!r}", param, ctx)
        return number


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


def reachable(path: Path | None) -> KafkaSettings:
    """The settings of the configured broker, which answers. Raises `ConfigError` or `BrokerUnavailable`."""
    from consumers.connection import kafka_settings
    from consumers.kafka.clients import require_broker

    settings = kafka_settings(load(path))
    require_broker(settings)
    return settings

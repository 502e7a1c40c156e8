"""`ccit rollback`, `hold`, `resume`, `round-now`: ask the trainer through the commands topic."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import AtLeastZero, as_json, config_file, load

if TYPE_CHECKING:
    from ccit.config import Config
    from consumers.commands import Verb

WAIT_S = 60.0  # a trainer obeys between two polls (0.2 s); a restarted one first catches up


@click.command()
@click.option(
    "--to",
    type=click.IntRange(min=0),
    help="Number of the version to make active; the parent of the active one without it.",
)
@click.option(
    "--wait",
    type=AtLeastZero(),
    default=WAIT_S,
    show_default=True,
    help="Seconds to wait for the announcement; 0 does not wait.",
)
@config_file
@as_json
def rollback(to: int | None, wait: float, config_path: Path | None, as_json: bool) -> None:
    """Make an older version active again, whole: server, proxy, novelty index and replay follow.

    \b
    ccit versions         which there are
    ccit rollback         to the parent of the active version
    ccit rollback --to 0  to the base model
    """
    from ccit.assembly.versions import base_version
    from ccit.errors import BrokerUnavailable
    from consumers.commands import issue
    from consumers.connection import kafka_settings
    from consumers.versions import VersionFollower

    config = load(config_path)
    settings = kafka_settings(config)
    _require(config)
    with VersionFollower(settings, base_version(config)) as versions:
        before = versions.catch_up()
        target = versions.lineage.roll_back(to, 0.0).version.number  # refuses here what the trainer would refuse
        started = time.monotonic()
        issue(settings, config.models.alias, "rollback", target)
        while wait:
            versions.poll(0.2)
            if versions.lineage.incumbent.number == target:
                break
            if time.monotonic() - started > wait:
                raise BrokerUnavailable(
                    f"the rollback to version {target} was asked for, but no trainer announced it within {wait:.0f} s; "
                    "is `ccit train` running? It will obey when it is"
                )
    seconds = round(time.monotonic() - started, 3)
    if as_json:
        click.echo(orjson.dumps({"from": before.number, "to": target, "seconds": seconds}).decode())
    elif wait:
        click.echo(f"version {target} is active again (was {before.number}), announced after {seconds:.2f} s")
    else:
        click.echo(f"asked for version {target}; `ccit versions` shows when it is active")


@click.command()
@config_file
def hold(config_path: Path | None) -> None:
    """Start no more rounds until `ccit resume`; a round at work ends as usual. Scoring and serving go on."""
    _ask(config_path, "hold")


@click.command()
@config_file
def resume(config_path: Path | None) -> None:
    """Start rounds again."""
    _ask(config_path, "resume")


@click.command()
@config_file
def round_now(config_path: Path | None) -> None:
    """Start a round with what is pooled, if that is at least rounds.min_size samples."""
    _ask(config_path, "round-now")


def _ask(config_path: Path | None, verb: Verb) -> None:
    from consumers.commands import issue
    from consumers.connection import kafka_settings

    config = load(config_path)
    _require(config)
    command = issue(kafka_settings(config), config.models.alias, verb)
    click.echo(f"asked the trainer of {config.models.alias!r}: {verb} (command {command.command_id})")


def _require(config: Config) -> None:
    from consumers.connection import kafka_settings
    from consumers.kafka.clients import require_broker

    require_broker(kafka_settings(config))

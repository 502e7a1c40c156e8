"""`ccit plugins`: what can be selected in the configuration, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import as_json

if TYPE_CHECKING:
    from ccit.plugins import Plugin


@dataclass(frozen=True, slots=True)
class _Listed:
    """One row of the list."""

    point: str
    kind: str
    table: str
    origin: str
    summary: str


@click.command()
@click.argument("point", required=False)
@as_json
def plugins(point: str | None, as_json: bool) -> None:
    """List the plug-ins of all extension points, or of one (check, policy, trigger, ...).

    `docs/extending.md` shows how to write one. A package brings its own by entry points of the group `ccit.plugins`.
    """
    from ccit.console import Console
    from ccit.plugins import POINTS, broken
    from ccit.plugins import plugins as registered

    if point is not None and point not in POINTS:
        raise click.BadParameter(f"expected one of {', '.join(POINTS)}, found {point!r}", param_hint="POINT")
    rows = [_listed(found) for name in ([point] if point else POINTS) for found in registered(name).values()]
    if as_json:
        listed = {"plugins": rows, "broken": dict(broken())}
        click.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
        return
    with Console() as console:
        cells = [(row.point, row.kind, row.origin, row.summary) for row in rows]
        console.table("plug-ins", ("extension point", "kind", "from", "what it does"), cells)
    for name, why in broken().items():
        click.echo(f"ccit: {name} could not be loaded: {why}", err=True)


def _listed(found: Plugin) -> _Listed:
    from ccit.plugin_tables import table_title
    from ccit.plugins import POINTS

    point = POINTS[found.point]
    return _Listed(found.point, found.kind, table_title(point, found.kind), found.origin, found.summary)

"""What a cell makes in its own folder: its store, its suites, its general rows. Nothing else may say where they lie.

A store that outlives the cell would give what an earlier, killed run left in it; a suite of another's would ask other
questions than the stream teaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from ccit.records import DOMAIN, GENERAL

PLACED = ("store.root", f"evaluation.suites.{DOMAIN}", f"evaluation.suites.{GENERAL}", "rounds.sources.general.file")


def without_placed(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tables of a configuration but for what a cell makes.

    >>> without_placed({"store": {"root": "/srv/ccit", "snapshot_seconds": 9}, "training": {"rank": 8}})
    {'store': {'snapshot_seconds': 9}, 'training': {'rank': 8}}
    """
    return reduce(_without, PLACED, tables)


def placed_in(tables: Mapping[str, Any]) -> str | None:
    """The first key that the tables set and a cell makes.

    >>> placed_in({"store": {"root": "/srv/ccit"}})
    'store.root'
    """
    return next((key for key in PLACED if _without(tables, key) != tables), None)


def _without(tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    first, _, rest = key.partition(".")
    if not rest:
        return {name: value for name, value in tables.items() if name != first}
    below = tables.get(first)
    return {**tables, first: _without(below, rest)} if isinstance(below, Mapping) else tables

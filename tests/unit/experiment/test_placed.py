"""What a cell makes in its own folder is taken out of other tables, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from ccit.experiment.placed import placed_in, without_placed


@pytest.mark.parametrize(
    ("tables", "rest", "found"),
    [
        ({}, {}, None),
        ({"store": {"root": "x"}}, {"store": {}}, "store.root"),
        ({"evaluation": {"suites": {"general": "x", "own": "y"}}}, {"evaluation": {"suites": {"own": "y"}}}, "general"),
        ({"rounds": {"sources": {"general": {"file": "x"}}}}, {"rounds": {"sources": {"general": {}}}}, "file"),
        ({"rounds": {"sources": {"general": False}}}, {"rounds": {"sources": {"general": False}}}, None),
        ({"rounds": {"sources": {"replay": {"file": "x"}}}}, {"rounds": {"sources": {"replay": {"file": "x"}}}}, None),
    ],
)
def test_the_rest_stays(tables: dict[str, Any], rest: dict[str, Any], found: str | None) -> None:
    assert without_placed(tables) == rest
    assert (placed_in(tables) or "").endswith(found or "")
    assert (placed_in(tables) is None) == (found is None)

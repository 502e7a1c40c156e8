"""One place sorts what clients hand out, so that an error which ends one reader ends all."""

from __future__ import annotations

import ast

from tests.architecture.source import sources

SORTS = {
    "consumers/kafka/intake.py",  # for every reader
    "consumers/kafka/oversized.py",  # looks for the end of a batch, with a client of its own
}


def test_errors_of_readers_are_looked_at_in_one_place() -> None:
    found = set()
    for source in sources().values():
        for node in ast.walk(source.tree):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == "error" and not (node.args or node.keywords):  # type: ignore[attr-defined]  # a call
                found.add(str(source))
    assert found == SORTS


def test_whoever_polls_sorts() -> None:
    """`consume` and `poll` of consumers: a producer's `poll` gives a number."""
    reading = {str(s) for s in sources().values() if ".consume(" in s.text or "consumer.poll(" in s.text}
    assert reading
    for name in reading:
        assert "Intake(" in next(s.text for s in sources().values() if str(s) == name), name

"""Numbers that no command can use are refused before anything is done."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ccit.cli.dead_letters import list_letters, show
from ccit.cli.feed import feed
from ccit.cli.steer import rollback


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (feed, ["ROWS", "--rate", "-5"]),
        (feed, ["ROWS", "--rate", "nan"]),
        (feed, ["ROWS", "--rate", "inf"]),
        (feed, ["ROWS", "--limit", "-3"]),
        (rollback, ["--wait", "nan"]),
        (rollback, ["--wait", "-1"]),
        (rollback, ["--to", "-1"]),
        (list_letters, ["--limit", "-1"]),
        (show, ["99999999999999999999"]),
    ],
)
def test_is_refused(tmp_path: Path, command: click.Command, arguments: list[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}\n")
    done = CliRunner().invoke(command, [str(rows) if word == "ROWS" else word for word in arguments])
    assert done.exit_code == 2
    assert "Invalid value" in done.output

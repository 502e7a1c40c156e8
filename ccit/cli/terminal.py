"""What a topic holds, shown on a terminal: nothing in it moves the cursor, hides or stops the command."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

_YEAR_10000_MS = 253_402_300_800_000


def escaped(content: bytes, *, lines: bool = False) -> str:
    """Bytes as text in which nothing can move a cursor, hide or turn round: what is not printable is escaped.

    Parameters
    ----------
    lines : bool
        Keep line breaks.

    >>> escaped(b'{"a": "\\x1b[2J\\xff"}')
    '{"a": "\\\\x1b[2J\\\\xff"}'
    """
    text = content.decode("utf-8", "backslashreplace")
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)


def say(line: str) -> None:
    """Print in letters that standard output has."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def when(at_ms: int) -> str:
    """ISO 8601 without a zone (UTC); empty where the broker kept no time, or what a sender set is in no calendar."""
    return (
        datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if 0 <= at_ms < _YEAR_10000_MS else ""
    )

"""Random numbers that stand for a hospital's own: the table of which is which stays with the hospital.

45 CFR 164.514(c) lets a hospital keep a code by which it finds a patient again, where the code is not derived from
information about him: so it is drawn, not computed.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from threading import Lock

from ccit.deidentify.shifted import Shifted
from ccit.store.private import make_directory, open_private, require_private

_BYTES = 16
_WAIT_SECONDS = 30.0


class SurrogateTable:
    """Draws a surrogate for each value once, and finds it again. Safe for several threads and processes of one machine.

    Parameters
    ----------
    file : Path | None
        SQLite; made for its owner alone. None forgets everything at the end.

    Raises
    ------
    ConfigError
        The file is there, and others may open it.

    Example
    -------
    >>> table = SurrogateTable(None)
    >>> table.of("subject", "4711") == table.of("subject", "4711") != table.of("document", "4711")
    True
    """

    def __init__(self, file: Path | None) -> None:
        if file is not None:
            make_directory(file.parent)
            open_private(file, "ab").close()
            require_private(file, "deidentify.table_file")
        self._lock = Lock()
        self._table = sqlite3.connect(file or ":memory:", timeout=_WAIT_SECONDS, check_same_thread=False)
        self._table.execute(
            "create table if not exists surrogates "
            "(kind text, value text, surrogate text not null unique, primary key (kind, value)) without rowid"
        )

    def of(self, kind: str, value: str) -> str:
        """32 hex digits that stand for a value of a kind."""
        with self._lock, self._table:
            drawn = secrets.token_hex(_BYTES)
            self._table.execute("insert or ignore into surrogates values (?, ?, ?)", (kind, value, drawn))
            found = self._table.execute(
                "select surrogate from surrogates where kind = ? and value = ?", (kind, value)
            ).fetchone()
        return str(found[0])


class KeyedSurrogates:
    """The same from a key, without a table: for `shifted`."""

    def __init__(self, mode: Shifted) -> None:
        self._mode = mode

    def of(self, kind: str, value: str) -> str:
        """16 hex digits that stand for a value of a kind."""
        return self._mode.pseudonym(kind, value)

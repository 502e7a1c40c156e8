"""Writing a file so that, whenever the power goes, it is there whole or not at all.

The steps, each with its reason:

1. write to a temporary name in the same folder (a rename is atomic within one file system only);
2. fsync the file (otherwise the name can survive a power cut and the content not);
3. rename over the final name;
4. fsync the folder (otherwise the rename itself can be lost).
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from ccit.errors import StorageFailed
from ccit.failpoints import failpoint
from ccit.store.private import make_directory, open_private, sync_directory

_TEMPORARY = ".tmp"
STALE_SECONDS = 24 * 3600.0  # no write takes a day: an older temporary file belongs to a process that died


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing what is there; parents are made.

    Raises
    ------
    StorageFailed
        The disk is full, read-only or failing; `path` is then as it was (or, where only the last step failed, whole and
        new, but perhaps not for good), and no temporary file is left.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(path, b"whole or not at all")
    >>> path.read_bytes()
    b'whole or not at all'
    """
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}{_TEMPORARY}"
    try:
        make_directory(path.parent)
        try:
            _write_and_sync(temporary, content)
            failpoint("store.synced")
            temporary.replace(path)
            failpoint("store.renamed")
            sync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"{len(content)} bytes could not be written to {path}: {error.strerror or error}; "
            "free space there or set store.root to another folder"
        ) from error


def remove_stale(directory: Path) -> int:
    """Remove what writers that were killed left behind in a folder; returns how many files."""
    limit, removed = time.time() - STALE_SECONDS, 0
    for file in directory.glob(f".*{_TEMPORARY}"):
        with suppress(OSError):  # another process may be sweeping too; another user's file is theirs to sweep
            if file.stat().st_mtime < limit:
                file.unlink()
                removed += 1
    return removed


def _write_and_sync(path: Path, content: bytes) -> None:
    with open_private(path, "xb") as stream:
        stream.write(content)
        stream.flush()
        failpoint("store.written")
        os.fsync(stream.fileno())

"""Folders and files that their owner alone may look into (0700 and 0600).

What ccit writes holds patients' text or is made of it: stores, snapshots, work folders, logs, decisions, the report.
They are made here; the command line besides sets the process's umask, for what libraries write. A folder that is there
already keeps its rights: whoever made it may have wanted to share it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from ccit.errors import ConfigError

UMASK = 0o077
_FOLDER, _FILE, _OTHERS = 0o700, 0o600, 0o077


def make_directory(path: Path) -> None:
    """Make a folder and the parents that are missing, each durably.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "a" / "b"
    >>> make_directory(folder)
    >>> oct(folder.stat().st_mode & 0o777), oct(folder.parent.stat().st_mode & 0o777)
    ('0o700', '0o700')
    """
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(_FOLDER, exist_ok=True)
    sync_directory(path.parent)


def open_private(path: Path, mode: Literal["xb", "ab"], buffering: int = -1) -> BinaryIO:
    """A new file to write to, or one to append to (`open`'s buffering); never there for others, not even empty."""
    return open(path, mode, buffering, opener=_owner_only)


def require_private(path: Path, named: str) -> None:
    """Return when nobody but its owner may read or write a file.

    Parameters
    ----------
    named : str
        The configuration key that names the file.

    Raises
    ------
    ConfigError
        Others may, or its rights cannot be read.
    """
    try:
        rights = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{named}: {path} cannot be read: {error.strerror or error}") from error
    if rights & _OTHERS:
        raise ConfigError(
            f"{named}: expected {path} to be its owner's alone, others may open it; run `chmod 600 {path}`"
        )


def read_key(file: str, named: str) -> bytes:
    """The bytes of a key file; of one that is text (`openssl rand -hex 32`), without blanks at its ends.

    Raises `ConfigError` as `require_private` does, and where no file is `named`.
    """
    if not file:
        raise ConfigError(
            f"expected {named}, a file with a random key, found none; make one with `openssl rand -hex 32`"
        )
    path = Path(file)
    require_private(path, named)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{named}: {file} cannot be read: {error.strerror or error}") from error
    text = key.strip()
    return text if text.isascii() and text.decode("ascii").isprintable() else key


def _owner_only(name: str, flags: int) -> int:
    return os.open(name, flags, _FILE)


def sync_directory(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

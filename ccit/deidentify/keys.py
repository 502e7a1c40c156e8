"""Keys lie in files of their own, which nobody but the owner reads."""

from __future__ import annotations

from pathlib import Path

from ccit.errors import ConfigError

_OTHERS = 0o077


def read_key(file: str, named: str) -> bytes:
    """The bytes of a key file, without blanks at its ends.

    Parameters
    ----------
    named : str
        The configuration key that names the file.

    Raises
    ------
    ConfigError
        No file is named, it cannot be read, or others may read it.
    """
    if not file:
        raise ConfigError(
            f"expected {named}, a file with a random key, found none; make one with `openssl rand -hex 32`"
        )
    path = Path(file)
    try:
        open_to_others = path.stat().st_mode & _OTHERS
        key = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{named}: {file} cannot be read: {error.strerror or error}") from error
    if open_to_others:
        raise ConfigError(f"{named}: others may read {file}; run `chmod 600 {file}`")
    return key

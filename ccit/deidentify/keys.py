"""Keys lie in files of their own, which nobody but the owner reads."""

from __future__ import annotations

from pathlib import Path

from ccit.errors import ConfigError
from ccit.store.private import require_private


def read_key(file: str, named: str) -> bytes:
    """The bytes of a key file; of one that is text (`openssl rand -hex 32`), without blanks at its ends.

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
    require_private(path, named)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{named}: {file} cannot be read: {error.strerror or error}") from error
    text = key.strip()
    return text if text.isascii() and text.decode("ascii").isprintable() else key

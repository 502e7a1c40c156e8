"""Who may ask: bearer tokens with names, from the configuration and from a file that is read again when it changes."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path

from ccit.errors import ConfigError

logger = logging.getLogger("ccit.serving")

ALONE = "token"
"""The name of the configuration's own token."""
_LINE = re.compile(r"([A-Za-z0-9_.-]{1,64})[ \t]+([!-~]{1,512})")


class Tokens:
    """Names by token. Only digests are kept, and a token is looked up by its digest, which takes as long for each.

    Parameters
    ----------
    token : str
        From the configuration; empty for none.
    file : Path | None
        One `NAME TOKEN` to a line; empty lines and those that begin with `#` say nothing. A name may stand in several
        lines, so that an old token lives on beside its successor. A file that cannot be read any more leaves the tokens
        as they were.

    Raises
    ------
    ConfigError
        The file cannot be read, has a line of another form, or holds no token.

    Example
    -------
    >>> tokens = Tokens("geheim", None)
    >>> tokens.name("geheim"), tokens.name("falsch"), Tokens("", None).name("")
    ('token', None, '')
    """

    def __init__(self, token: str, file: Path | None) -> None:
        self._fixed = {_digest(token): ALONE} if token else {}
        self._file, self._seen = file, _state(file)
        self._named = _read(file) if file is not None else {}

    def name(self, token: str) -> str | None:
        """Whose token it is; None for nobody's. Without any token configured everybody is ''."""
        self._follow()
        if not self._fixed and self._file is None:
            return ""
        digest = _digest(token)
        return self._named.get(digest) or self._fixed.get(digest)

    def _follow(self) -> None:
        state = _state(self._file)
        if self._file is None or state == self._seen:
            return
        self._seen = state
        try:
            self._named = _read(self._file)
        except ConfigError as error:
            logger.warning("%s; the tokens of before stay", error)
        else:
            logger.info("%s has been read again: %d tokens", self._file, len(self._named))


def _read(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"serving.tokens_file {file} cannot be read: {error}") from error
    named = dict[str, str]()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:  # the line itself is not repeated: it may be a token
            raise ConfigError(f"serving.tokens_file {file}, line {number}: expected a name, a space and a token")
        named[_digest(match[2])] = match[1]
    if not named:
        raise ConfigError(f"serving.tokens_file {file} holds no token; nobody could ask anything")
    return named


def _state(file: Path | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

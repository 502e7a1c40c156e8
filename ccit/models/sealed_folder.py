"""A folder in the cache that is there whole or not at all: built beside its place, renamed, its files' digests noted.

A process that dies while it builds leaves nothing that looks finished; a file that rots, or is edited, makes the folder
built again. Two processes may build at once: the second keeps the first one's result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ccit.errors import StorageFailed

_MARKER = "sealed.json"


def sealed_folder(final: Path, facts: Mapping[str, Any], build: Callable[[Path], Mapping[str, Any]]) -> Path:
    """Give the folder, building it first where it is missing, damaged or made from other facts.

    Parameters
    ----------
    final : Path
        Where it is to be; parents are made.
    facts : Mapping
        What it is made from, for JSON; other facts make another folder.
    build : Callable
        Fills an empty folder; what it returns is noted beside the facts.

    Raises
    ------
    StorageFailed
        The cache cannot be written.

    Example
    -------
    >>> root = Path(tempfile.mkdtemp())
    >>> folder = sealed_folder(root / "a", {"recipe": 1}, lambda new: {"bytes": (new / "f").write_bytes(b"hi")})
    >>> sealed_folder(root / "a", {"recipe": 1}, lambda new: 1 / 0) == folder
    True
    """
    wanted: dict[str, Any] = json.loads(json.dumps(facts))
    if is_sealed(final, wanted):
        return final
    cache = final.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-", ignore_cleanup_errors=True) as temporary:
            built = Path(temporary) / final.name
            built.mkdir()
            noted = build(built)
            marker = {"facts": wanted, "noted": noted, "files": _digests(built)}
            (built / _MARKER).write_text(json.dumps(marker, indent=1, sort_keys=True))
            _settle(built, final, wanted)
    except OSError as error:
        raise StorageFailed(
            f"{final.name} could not be written to {os.fspath(cache)} ({error.strerror or error}): "
            "free some space there, or name another cache folder with XDG_CACHE_HOME"
        ) from error
    return final


def is_sealed(folder: Path, facts: Mapping[str, Any]) -> bool:
    """Whether the folder is whole and made from these facts; reads every byte of it."""
    try:
        marked = json.loads((folder / _MARKER).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(marked, dict) and marked.get("facts") == facts and marked.get("files") == _digests(folder)


def _settle(built: Path, final: Path, facts: Mapping[str, Any]) -> None:
    """Rename a finished build into place; where another process was faster, keep its result."""
    try:
        built.rename(final)
    except OSError:
        if is_sealed(final, facts):
            return
        shutil.rmtree(final)
        built.rename(final)


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _MARKER:
            with path.open("rb") as content:
                found[str(path.relative_to(folder))] = hashlib.file_digest(content, "sha256").hexdigest()
    return found

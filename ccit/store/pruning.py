"""Keeping a work folder small: what can be made again goes when newer work has taken its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

KEPT = 8  # of each kind: more than the rounds that a rollback or a late question looks back on


def keep_newest(paths: Iterable[Path], count: int = KEPT) -> int:
    """Remove files and folders but the `count` that changed last; returns how many went.

    Only for what can be made again: one that cannot be removed is left, and fails nothing.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in "abc":
    ...     (folder / name).touch()
    >>> keep_newest(folder.iterdir(), count=2)
    1
    """
    changed: list[tuple[int, Path]] = []
    for path in paths:
        with suppress(OSError):  # another process may be sweeping too
            changed.append((path.stat().st_mtime_ns, path))
    old = [path for _, path in sorted(changed, reverse=True)[count:]]
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return sum(not path.exists() for path in old)

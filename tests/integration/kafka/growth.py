"""How much memory a process takes on while something happens to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

_LOOK_EVERY_S = 0.05


class Growth:
    """Resident memory above where it was at first, at most (MiB)."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._process.memory_info().rss
        self.mib = 0.0

    def look(self) -> None:
        self.mib = max(self.mib, (self._process.memory_info().rss - self._before) / 2**20)


@contextmanager
def growth_of(pid: int) -> Iterator[Growth]:
    """Looks until the block ends."""
    growth, done = Growth(pid), threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            growth.look()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield growth
    finally:
        done.set()
        watching.join()

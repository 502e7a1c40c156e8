"""How much memory a process may still take on a CPU: of the machine's, and of what its container is allowed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_KIB = 1024


def free_memory(machine: Path = Path("/proc/meminfo"), container: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that are free, or would be made free for whoever asks.

    Parameters
    ----------
    machine : Path
        Linux's account of its memory; where there is none, half of what the machine has counts as free.
    container : Path
        The process's control group (version 2), as a container sees it; without a limit there it does not count.

    Example
    -------
    >>> free_memory() > 0
    True
    """
    found = [_of_the_machine(machine)]
    with suppress(OSError, ValueError):  # no such group; "max", which is no limit
        held = int((container / "memory.current").read_text("ascii"))
        held -= _fields(container / "memory.stat").get("inactive_file", 0)  # read once: let go for whoever asks
        found.append(int((container / "memory.max").read_text("ascii")) - held)
    return max(0, min(found))


def _of_the_machine(path: Path) -> int:
    try:
        return _KIB * _fields(path)["MemAvailable"]
    except OSError:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _fields(path: Path) -> Mapping[str, int]:
    """Of lines like `inactive_file 4096` or `MemAvailable:  1024 kB`."""
    lines = (line.split() for line in path.read_text("ascii").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines}

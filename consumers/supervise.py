"""Several consumers as child processes of one command: started, watched, restarted, ended together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ccit.errors import CcitError
from consumers.orphans import die_with_parent

logger = logging.getLogger("ccit.up")

GRACE_S = 20.0  # a scorer finishes or drops its batch in 10 s (`BatchLimits.grace_s`), a server drains
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 30.0
_HEALTHY_AFTER_S = 30.0  # a process that lived this long starts again without waiting
_USAGE = 2  # exit code of a wrong configuration: starting again would end the same way


@dataclass(slots=True)
class _Child:
    name: str
    command: Sequence[str]
    log: IO[bytes]
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Owns the children. `watch` has to be called now and then.

    Parameters
    ----------
    environment : Mapping[str, str]
        Added to this process's own.
    logs : Path
        Folder of one log file per child.
    """

    logs: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _children: dict[str, _Child] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `ccit ARGUMENTS` under a name."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = (self.logs / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "ccit.cli.main", *arguments]
        self._children[name] = _Child(name, command, log, self._spawn(command, log), time.monotonic())

    def watch(self) -> None:
        """Start what has died again, later each time.

        Raises
        ------
        CcitError
            A child ended because of its configuration: it would do so again.
        """
        for child in self._children.values():
            code = child.process.poll()
            now = time.monotonic()
            if code is None:
                continue
            if code == _USAGE:
                raise CcitError(f"{child.name} cannot start: {last_line(Path(child.log.name))}")
            if not child.restart_at:
                child.failures = 0 if now - child.started > _HEALTHY_AFTER_S else child.failures + 1
                wait = min(_FIRST_BACKOFF_S * 2 ** max(child.failures - 1, 0), _LONGEST_BACKOFF_S)
                child.restart_at = now + wait
                logger.warning(
                    "%s ended (exit code %d: %s); starting again in %.0f s",
                    child.name,
                    code,
                    last_line(Path(child.log.name)),
                    wait,
                )
            elif now >= child.restart_at:
                child.process, child.started, child.restart_at = self._spawn(child.command, child.log), now, 0.0

    def process_ids(self) -> dict[str, int]:
        """Process id of each child, by name."""
        return {name: child.process.pid for name, child in self._children.items()}

    def stop(self) -> None:
        """SIGTERM to all, then SIGKILL to whoever is left after the grace."""
        for child in self._children.values():
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE_S
        for child in self._children.values():
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("%s did not end within %.0f s and is killed", child.name, GRACE_S)
                child.process.kill()
                child.process.wait()
            child.log.close()
        self._children.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **self.environment},
            preexec_fn=die_with_parent(signal.SIGTERM),  # a killed supervisor leaves no orphans
        )


def last_line(path: Path) -> str:
    """The last line that a child wrote: by convention the sentence that says what went wrong."""
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"

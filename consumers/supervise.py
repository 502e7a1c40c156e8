"""Several consumers as child processes of one command: started, watched, restarted, ended together.

Each child has a session of its own, so a terminal's Ctrl-C reaches the supervisor alone. It asks its children to end by
`STOP`, which says the same thing however often it comes: a service manager that sends SIGTERM to every process of the
service asks each child once, not twice, and requests in flight are answered.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ccit.config import Serving
from ccit.errors import CcitError, ConfigError, Fenced
from ccit.store.private import make_directory, open_private
from consumers.orphans import die_with_parent

logger = logging.getLogger("ccit.up")

STOP = signal.SIGUSR1
"""What a supervisor sends instead of SIGTERM: finish and leave, and never "at once" when it is not the first signal."""

_ENDS_WITHIN_S = 25.0  # ingest, score and train (docs/operations.md): a batch has 10 s, then leaving and closing
_AFTER_DRAIN_S = 5.0  # a server that has drained leaves its topics and lets go of its memory
_MARGIN_S = 5.0  # for a machine with much to do
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 30.0
_HEALTHY_AFTER_S = 30.0  # a process that lived this long starts again without waiting
_STOOD_STILL_S = 10.0  # between two looks (0.5 s apart): the machine slept, or was paused
_TAIL_BYTES = 64 * 1024  # of a log, which grows for as long as its process is started again
_LATE_S = 300.0  # how long after it a process may notice that its transaction was ended meanwhile


def grace(drain_seconds: float) -> float:
    """Seconds in which every child has ended, however busy it was.

    Parameters
    ----------
    drain_seconds : float
        `serving.drain_seconds`.

    Example
    -------
    >>> grace(30), grace(0)
    (40.0, 30.0)
    """
    return max(_ENDS_WITHIN_S, drain_seconds + _AFTER_DRAIN_S) + _MARGIN_S


@dataclass(slots=True)
class _Child:
    name: str
    command: Sequence[str]
    log: IO[bytes]
    process: subprocess.Popen[bytes]
    started: float
    environment: Mapping[str, str]
    failures: int = 0
    restart_at: float = 0.0  # inf: never


@dataclass(slots=True)
class Supervisor:
    """Owns the children. `watch` has to be called now and then.

    Parameters
    ----------
    logs : Path
        Folder of one log file per child.
    environment : Mapping[str, str]
        Added to this process's own.
    grace_s : float
        Seconds between asking the children to end and killing those that are left; see `grace`.
    program : Sequence[str]
        What the arguments of `start` are given to.
    clock : callable
        Seconds, by a clock that goes on while the machine sleeps.
    """

    logs: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = grace(Serving().drain_seconds)
    program: Sequence[str] = (sys.executable, "-m", "ccit.cli.main")
    clock: Callable[[], float] = time.time
    _children: dict[str, _Child] = field(default_factory=dict)
    _looked_at: float = math.inf
    _stood_still_at: float = -math.inf

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start `ccit ARGUMENTS` under a name; its own `environment` comes on top of that of all."""
        make_directory(self.logs)
        log = open_private(self.logs / f"{name}.log", "ab")
        command, added = [*self.program, *arguments], {**self.environment, **(environment or {})}
        self._children[name] = _Child(name, command, log, _spawn(command, log, added), time.monotonic(), added)

    def watch(self) -> None:
        """Start what has died again, later each time; but nothing that another process has taken over.

        Two supervisors that both started their trainer again and again would fence each other for ever. A machine that
        slept is an exception: the broker ended its transactions meanwhile, without any rival.

        Raises
        ------
        CcitError
            A child ended because of its configuration: it would do so again.
        """
        now = self.clock()
        if now - self._looked_at > _STOOD_STILL_S:
            self._stood_still_at = now
        self._looked_at = now
        for child in self._children.values():
            code = child.process.poll()
            if code is not None:
                self._ended(child, code)

    def process_ids(self) -> dict[str, int]:
        """Process id of each child, by name."""
        return {name: child.process.pid for name, child in self._children.items()}

    def stop(self) -> None:
        """`STOP` to all, then SIGKILL to whoever is left after the grace, or when the waiting is interrupted."""
        for child in self._children.values():
            child.process.send_signal(STOP)
        deadline = time.monotonic() + self.grace_s
        try:
            for child in self._children.values():
                self._await(child, deadline)
        finally:
            self.kill()
            for child in self._children.values():
                child.process.wait()
                child.log.close()
            self._children.clear()

    def kill(self) -> None:
        """SIGKILL to all who are left; safe in a signal handler."""
        for child in self._children.values():
            child.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ended(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        if child.restart_at:
            if now >= child.restart_at:
                child.process = _spawn(child.command, child.log, child.environment)
                child.started, child.restart_at = now, 0.0
            return
        said = last_line(Path(child.log.name))
        if code == ConfigError.exit_code:
            raise CcitError(f"{child.name} cannot start: {said}")
        if code == Fenced.exit_code and self.clock() - self._stood_still_at > _LATE_S:
            child.restart_at = math.inf
            logger.warning("%s is not started again, and the others go on: %s", child.name, said)
        else:
            child.failures = 0 if now - child.started > _HEALTHY_AFTER_S else child.failures + 1
            wait = min(_FIRST_BACKOFF_S * 2 ** max(child.failures - 1, 0), _LONGEST_BACKOFF_S)
            child.restart_at = now + wait
            logger.warning("%s ended (exit code %d: %s); starting again in %.0f s", child.name, code, said, wait)

    def _await(self, child: _Child, deadline: float) -> None:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end within %.0f s and is killed", child.name, self.grace_s)


def _spawn(command: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # a killed supervisor leaves no orphans
    )


def last_line(path: Path) -> str:
    """The last line that a child wrote: by convention the sentence that says what went wrong."""
    with path.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"

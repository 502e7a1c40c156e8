"""A place in the system that one process holds at a time: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ccit.failpoints import ENVIRONMENT_VARIABLE, struck
from tests.crash.process import BEGINS, FREEZE_VARIABLE, PACE_VARIABLE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended.

    Parameters
    ----------
    armed : str
        The failpoint it was started with, without the pass; empty for none.
    at_failpoint : bool
        It, or its child, was seen to strike the point it was armed with.
    by_us : bool
        The harness sent it SIGKILL.
    begun : bool
        It had said that its work begins: from then on it obeys signals and says why it ends.
    code : int
        As `subprocess` gives it: minus the signal's number.
    seconds : float
        From its start.
    said : str
        Last line of this life on stderr.
    """

    role: str
    armed: str
    at_failpoint: bool
    by_us: bool
    begun: bool
    code: int
    seconds: float
    said: str


class Slot:
    """One process of a role under a name; `poll` tells when it has ended.

    Parameters
    ----------
    instance : str
        The process's own name among its like, where it is not the place's.
    """

    def __init__(self, role: str, name: str, config: Path, logs: Path, instance: str = "") -> None:
        self.role = role
        self.name = name
        self.armed = ""
        self.started = 0.0
        self._instance = instance or name
        self._config = config
        self.log = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._killed_by_us = False
        self._life_from = 0  # bytes of the log that earlier lives wrote

    @property
    def running(self) -> bool:
        """Whether a process holds the place and has not been heard of as dead."""
        return self._process is not None

    def start(self, failpoint: str = "", pace_s: float = 0.0, *, freezes: bool = False) -> None:
        """Start a process, armed with `name`, `name@pass` or `name@pass:raise`; one that freezes stops there instead of
        dying, until `thaw`."""
        self.armed, self._killed_by_us, self.started = failpoint, False, time.monotonic()
        environment = os.environ | {ENVIRONMENT_VARIABLE: failpoint, PACE_VARIABLE: str(pace_s)}
        environment |= {FREEZE_VARIABLE: "1" if freezes else ""}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._life_from = log.tell()
            command = [sys.executable, "-m", "tests.crash.process", self.role, str(self._config), self._instance]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL, at whatever moment this is."""
        if self._process is not None and self._process.poll() is None:
            self._killed_by_us = True
            self._process.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def poll(self) -> Death | None:
        """How the process ended, told once; None while it runs."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        self._process = None
        name, said = self.armed.partition("@")[0], self.said()
        return Death(
            role=self.role,
            armed=name,
            at_failpoint=code == -signal.SIGKILL and struck(name) in said,
            by_us=self._killed_by_us,
            begun=BEGINS in said,
            code=code,
            seconds=time.monotonic() - self.started,
            said=(said.strip().splitlines() or [""])[-1],
        )

    def wait(self, timeout_s: float) -> Death:
        """As `poll`, but waits; raises `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if (death := self.poll()) is not None:
                return death
            time.sleep(0.02)
        raise TimeoutError(f"{self.name} should have ended within {timeout_s:g} s; its log is {self.log}")

    def await_said(self, text: str, timeout_s: float = 60.0) -> None:
        """Return once this life has said so; raises `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        while text not in self.said():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} should have said {text!r} within {timeout_s:g} s; see {self.log}")
            time.sleep(0.05)

    def said(self) -> str:
        """All that the latest life wrote on stderr so far."""
        if not self.log.is_file():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._life_from)
            return log.read().decode("utf-8", "replace")

    def end(self) -> None:
        """Kill what is left."""
        self.kill()
        if self._process is not None:
            self._process.wait()
            self._process = None

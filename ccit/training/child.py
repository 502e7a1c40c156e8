"""One running training process and its pipes: what goes in, what comes out, and how it ended."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from ccit.errors import TrainingFailed
from ccit.store.private import make_directory, open_private
from ccit.training.messages import TO_CHILD, TO_PARENT, Job, Reply, Setup

_GRACE_S = 5.0  # between asking the child to end and killing it; a checkpoint is atomic, so either is safe
_OWN_END_S = 30.0  # for a child that has closed its side: the interpreter takes its time with torch loaded


class Silent(Exception):
    """A child lives and says nothing."""


class Child:
    """A process that serves jobs. `end` may be called from any thread, and more than once.

    Parameters
    ----------
    command : Sequence[str]
        What is started.
    log : Path | None
        Where its stderr goes; None is this process's stderr.

    Raises
    ------
    TrainingFailed
        It cannot be started.
    """

    def __init__(self, command: Sequence[str], log: Path | None) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in a terminal asks the parent alone, which then ends the child
            )
        except OSError as error:
            raise TrainingFailed(f"the training process cannot be started ({command[0]}: {error.strerror})") from error
        self._last_line = ""
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._copy_stderr, args=(log,), name="training-log", daemon=True),
            threading.Thread(target=self._read_stdout, name="training-replies", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def send(self, message: Setup | Job) -> None:
        """Write one line; a child that is dead already shows at the next `receive`."""
        stdin = _open(self._process.stdin)
        with suppress(OSError):
            stdin.write(TO_CHILD.dump_json(message) + b"\n")
            stdin.flush()

    def receive(self, timeout_s: float) -> Reply | None:
        """The next reply; None when the child has closed its side.

        Raises
        ------
        Silent
            Nothing came for `timeout_s` seconds.
        """
        try:
            line = self._replies.get(timeout=timeout_s)
        except queue.Empty as nothing:
            raise Silent from nothing
        return None if line is None else TO_PARENT.validate_json(line)

    def ended(self) -> tuple[int, str]:
        """Wait for the end of a child that has closed its side: its exit code, and how it ended in words.

        It is given the time to end by itself, so that the signal of this process is never taken for the cause.
        """
        try:
            code = self._process.wait(_OWN_END_S)
        except subprocess.TimeoutExpired:
            self.end()
            return 0, f"it closed its output and did not end: {self._said()}"
        self._join()
        return code, f"signal {-code}" if code < 0 else f"exit code {code}: {self._said()}"

    def end(self) -> None:
        """Terminate, and kill after a grace."""
        if self.alive:
            self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._join()

    def _said(self) -> str:
        return self._last_line or "it said nothing"

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(_GRACE_S)

    def _read_stdout(self) -> None:
        for line in _open(self._process.stdout):
            if line.endswith(b"\n"):
                self._replies.put(line)
        self._replies.put(None)

    def _copy_stderr(self, log: Path | None) -> None:
        """To the end, whether or not the disk takes it: a child that nobody reads stands still at a full pipe."""
        with ExitStack() as closing:
            target: IO[bytes] = sys.stderr.buffer
            if log is not None:
                with suppress(OSError):
                    make_directory(log.parent)
                    target = closing.enter_context(open_private(log, "ab", buffering=0))
            for line in _open(self._process.stderr):
                self._last_line = line.decode("utf-8", "replace").strip() or self._last_line
                with suppress(OSError):  # a full disk; what comes after it is freed is written again
                    target.write(line)
                    target.flush()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("expected a child started with pipes")
    return pipe

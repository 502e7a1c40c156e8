"""Trainer and evaluator in a child process, so that a fault in them cannot take the consumer down.

No torch here: the consumer's process stays light. The child (`ccit/training/worker.py`) is started ahead, as importing
its libraries takes seconds; it serves one job after the other and is started anew after it died.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from ccit import errors
from ccit.config import Config
from ccit.errors import CcitError, TrainingFailed
from ccit.ports import Progress
from ccit.records import AdapterPair, Candidate, Evaluation, Material, Round, Sample, Suite, Version
from ccit.training.messages import (
    TO_CHILD,
    TO_PARENT,
    Evaluated,
    EvaluateJob,
    Failed,
    Job,
    Progressed,
    Ready,
    Reply,
    Setup,
    Trained,
    TrainJob,
)

COMMAND = (sys.executable, "-m", "ccit.training.worker")
_GRACE_S = 5.0  # between asking the child to end and killing it; a checkpoint is atomic, so either is safe


class TrainingProcess:
    """`Trainer` and `Evaluator` by way of a child process.

    One job runs at a time; `cancel` and `close` may be called from another thread.

    Parameters
    ----------
    log : Path | None
        Where the child's stderr goes; None is this process's stderr.
    command : Sequence[str]
        How the child is started; `accelerate launch ...` goes in front here.
    """

    def __init__(self, config: Config, log: Path | None = None, command: Sequence[str] = COMMAND) -> None:
        self._setup = Setup.of(config)
        self._log = log
        self._command = tuple(command)
        self._child: _Child | None = None
        self._lock = threading.Lock()  # over _child
        self._cancelled = False

    def start(self) -> None:
        """Start the child ahead of the first job, if none is running; returns at once."""
        self._living()

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        """As `LoraTrainer.train`; `TrainingFailed` when the child died or was cancelled."""
        reply = self._run(TrainJob(planned, material, parent), progress)
        if not isinstance(reply, Trained):
            raise TrainingFailed(f"expected a candidate from the training process, got {reply.kind!r}")
        return reply.candidate

    def evaluate(
        self, adapters: AdapterPair | None, suite: Suite, validation: Sequence[Sample], progress: Progress
    ) -> Evaluation:
        """As `ModelEvaluator.evaluate`; `TrainingFailed` when the child died or was cancelled."""
        reply = self._run(EvaluateJob(adapters, suite, tuple(validation)), progress)
        if not isinstance(reply, Evaluated):
            raise TrainingFailed(f"expected an evaluation from the training process, got {reply.kind!r}")
        return reply.evaluation

    def cancel(self) -> None:
        """End the running job with the child; the job's caller gets `TrainingFailed`. The next job starts a new one."""
        self._cancelled = True
        self._end()

    def close(self) -> None:
        """End the child and wait for it; nothing is left running."""
        self._end()

    def _run(self, job: Job, progress: Progress) -> Reply:
        self._cancelled = False
        child = self._living()
        child.send(job)
        reply: Reply | None = None
        try:
            while (reply := child.receive()) is not None:
                if isinstance(reply, Progressed):
                    progress(reply.stage, reply.done, reply.total)
                elif not isinstance(reply, Ready):
                    break
        finally:
            if reply is None or isinstance(reply, Progressed):
                why = child.end()  # it died, or `progress` raised: its later replies would be taken for the next job's
        if isinstance(reply, Failed):
            raise _as_error(reply)
        if reply is not None:
            return reply
        if self._cancelled:
            raise TrainingFailed(f"the {job.kind} job was cancelled")
        raise TrainingFailed(f"the training process died during the {job.kind} job ({why}); it can be run again")

    def _living(self) -> _Child:
        with self._lock:
            if self._child is None or not self._child.alive:
                self._child = _Child(self._command, self._log)
                self._child.send(self._setup)
            return self._child

    def _end(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()


class _Child:
    """One running child and its pipes."""

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
        self._logging = threading.Thread(target=self._copy_stderr, args=(log,), name="training-log", daemon=True)
        self._logging.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Setup | Job) -> None:
        """Write one line; a child that is dead already shows at the next `receive`."""
        stdin = _open(self._process.stdin)
        try:
            stdin.write(TO_CHILD.dump_json(message) + b"\n")
            stdin.flush()
        except OSError:
            self._process.terminate()

    def receive(self) -> Reply | None:
        """The next reply; None when the child has closed its side."""
        line = _open(self._process.stdout).readline()
        return TO_PARENT.validate_json(line) if line.endswith(b"\n") else None

    def end(self) -> str:
        """Terminate, kill after a grace; says how it ended and its last line on stderr."""
        if self.alive:
            self._process.terminate()
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._logging.join(_GRACE_S)
        return f"signal {-code}" if code < 0 else f"exit code {code}: {self._last_line or 'it said nothing'}"

    def _copy_stderr(self, log: Path | None) -> None:
        """To the end, whether or not the disk takes it: a child that nobody reads stands still at a full pipe."""
        with ExitStack() as closing:
            target: IO[bytes] = sys.stderr.buffer
            if log is not None:
                with suppress(OSError):
                    log.parent.mkdir(parents=True, exist_ok=True)
                    target = closing.enter_context(log.open("ab", buffering=0))
            for line in _open(self._process.stderr):
                self._last_line = line.decode("utf-8", "replace").strip() or self._last_line
                with suppress(OSError):  # a full disk; what comes after it is freed is written again
                    target.write(line)
                    target.flush()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("expected a child started with pipes")
    return pipe


def _as_error(failed: Failed) -> CcitError:
    """The same class as in the child."""
    kind = getattr(errors, failed.error, TrainingFailed)
    return kind(failed.message) if kind is not errors.InputError else TrainingFailed(failed.message)

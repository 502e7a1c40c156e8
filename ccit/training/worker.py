"""The training process: `python -m ccit.training.worker`, started ahead by `ccit/training/process.py`.

1. torch and the rest are imported (seconds), then `Ready` is sent.
2. The settings come; they are tried on the models at once (`ccit/training/trial.py`). Jobs follow, as JSON lines on
   stdin; base models stay loaded from one job to the next.
3. The process ends when its stdin closes, at once and in the middle of a job: a parent that was killed leaves nothing
   running. (PR_SET_PDEATHSIG would not do: it fires when the *thread* that started the child ends.)

Whatever a library prints goes to stderr; stdout belongs to the protocol.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from types import TracebackType
from typing import BinaryIO

from ccit.config import Training
from ccit.errors import CcitError, MemoryExhausted, TrainingFailed
from ccit.evaluation.runner import ModelEvaluator
from ccit.models.bases import BaseModels
from ccit.models.batch_choice import BatchChoice
from ccit.models.faults import sentence_of
from ccit.models.placement import make_deterministic
from ccit.store.files import FileStore
from ccit.training.lora import LoraTrainer
from ccit.training.messages import (
    TO_CHILD,
    TO_PARENT,
    BatchChosen,
    Evaluated,
    Failed,
    Job,
    Progressed,
    Ready,
    Reply,
    Setup,
    Trained,
    TrainJob,
)
from ccit.training.trial import try_training

NICENESS = 5  # of 0 to 19: serving and scoring on the same machine go first
_PROGRESS_EVERY_S = 0.1  # at most ten lines a second, so that the pipe is never full of them


class Worker:
    """Runs jobs one after the other.

    Parameters
    ----------
    send : Callable
        Takes each reply.
    """

    def __init__(self, setup: Setup, send: Callable[[Reply], None]) -> None:
        bases, store = BaseModels(setup.models), FileStore(setup.store_root)
        workdir = setup.store_root / "work"
        training: Training = setup.training
        choice = BatchChoice(training, bases)
        self._send = send
        self._choice = choice if training.batch_tokens == "auto" else None
        self._fault = self._try(training, bases, choice)
        self._trainer = LoraTrainer(training, bases, store, workdir, choice, self._told)
        self._evaluator = ModelEvaluator(setup.evaluation, training, bases, store, workdir / "answers", choice)
        self._last = ("", 0.0)

    def run(self, job: Job) -> None:
        """Do one job; ccit's own errors become a reply, anything else ends the process with its traceback."""
        try:
            if self._fault is not None and isinstance(job, TrainJob):
                raise self._fault
            self._send(self._result(job))
        except CcitError as error:
            worn = isinstance(error, TrainingFailed | MemoryExhausted) and error.__cause__ is not None
            if worn:
                traceback.print_exception(error)
            self._send(Failed(type(error).__name__, str(error), worn=worn))

    def _result(self, job: Job) -> Reply:
        if isinstance(job, TrainJob):
            return Trained(self._trainer.train(job.planned, job.material, job.parent, self._progressed))
        if self._choice is not None:
            self._told(self._choice.tokens)
        return Evaluated(self._evaluator.evaluate(job.adapters, job.suites, job.validation, self._progressed))

    def _told(self, batch_tokens: int) -> None:
        self._send(BatchChosen(batch_tokens))

    def _progressed(self, stage: str, done: int, total: int) -> None:
        last_stage, last_time = self._last
        now = time.monotonic()
        if stage != last_stage or done == total or now - last_time >= _PROGRESS_EVERY_S:
            self._last = (stage, now)
            self._send(Progressed(stage, done, total))

    def _try(self, training: Training, bases: BaseModels, choice: BatchChoice) -> CcitError | None:
        """What makes every training fail with these settings on these models: said here and now, and to each job."""
        try:
            try_training(training, bases)
            _ = choice.tokens  # which may fail as well
        except CcitError as error:
            sys.stderr.write(f"no round can be trained: {error}\n")
            return error
        return None


def main() -> None:
    """Serve jobs from stdin until it closes."""
    sys.excepthook = _end
    replies = _claim_stdout()
    os.nice(NICENESS)
    make_deterministic()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, lines), daemon=True).start()

    def send(reply: Reply) -> None:
        replies.write(TO_PARENT.dump_json(reply) + b"\n")
        replies.flush()

    send(Ready())
    worker: Worker | None = None
    while True:
        message = TO_CHILD.validate_json(lines.get())
        if isinstance(message, Setup):
            worker = Worker(message, send)
        elif worker is not None:
            worker.run(message)


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what went wrong, in one line at last, and be gone at once.

    The interpreter's own way to the end takes seconds with torch loaded, while the pipes are closed already; and it may
    abort over the thread that reads stdin, whose words would then be the last.
    """
    traceback.print_exception(kind, error, trace)
    sys.stderr.write(f"{str(error) if isinstance(error, CcitError) else sentence_of(error)}\n")
    sys.stderr.flush()
    os._exit(1)


def _claim_stdout() -> BinaryIO:
    """Keep the real stdout for replies and let everything else that prints end on stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = TextIOWrapper(os.fdopen(os.dup(2), "wb"), write_through=True)
    return replies


def _read(stdin: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    for line in stdin:
        lines.put(line)
    os._exit(0)  # the parent is gone or wants no more: not even a running job is waited for


if __name__ == "__main__":
    main()

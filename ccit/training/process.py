"""Trainer and evaluator in a child process, so that a fault in them cannot take the consumer down.

No torch here: the consumer's process stays light. The child (`ccit/training/child.py`) is started ahead, as importing
its libraries takes seconds; it serves one job after the other and is started anew after it died.

A job that lacks memory is done again in micro-batches of half the size, in a new child, and so are those after it: what
did not fit once fits no better later. A training goes on from its checkpoint. Each halving is logged, and the candidate
says what it was trained with; below `FEWEST_TOKENS` there is none. Where the child chooses the size, it says with each
job which is in force, and that is what is halved.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ccit import errors
from ccit.config import Config
from ccit.errors import CcitError, MemoryExhausted, TrainingFailed
from ccit.models.step_memory import FEWEST_TOKENS
from ccit.ports.training import Progress
from ccit.records import AdapterPair, Candidate, Material, Round, Sample, SuiteResults, Suites, Version
from ccit.training.child import Child, Silent
from ccit.training.messages import (
    BatchChosen,
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

logger = logging.getLogger("ccit.train")

COMMAND = (sys.executable, "-m", "ccit.training.worker")
_TOKENS_UNTOLD = 4096  # of a micro-batch, where a child died before it had said what it chose
_KILLS = 2  # by SIGKILL, one after the other: the first may be anybody's, a second is the kernel's, for want of memory


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
        self._setup = self._as_configured = Setup.of(config)
        self._stall_s = config.training.stall_seconds
        self._log = log
        self._command = tuple(command)
        self._chosen: int | None = None
        self._kills = 0  # by SIGKILL since the last reply
        self._child: Child | None = None
        self._lock = threading.Lock()  # over _child
        self._cancelled = False

    def start(self) -> None:
        """Start the child ahead of the first job, if none is running; returns at once."""
        self._living()

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        """As `LoraTrainer.train`; `TrainingFailed` when the child died, hung or was cancelled."""
        reply = self._within_memory(TrainJob(planned, material, parent), progress)
        if not isinstance(reply, Trained):
            raise TrainingFailed(f"expected a candidate from the training process, got {reply.kind!r}")
        adapted = ", ".join(reply.candidate.target_modules)
        logger.info("round %s: trained, rank %d in %s", planned.round_id, reply.candidate.rank, adapted)
        return reply.candidate

    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        """As `ModelEvaluator.evaluate`; `TrainingFailed` when the child died, hung or was cancelled."""
        reply = self._within_memory(EvaluateJob(adapters, suites, tuple(validation)), progress)
        if not isinstance(reply, Evaluated):
            raise TrainingFailed(f"expected answers from the training process, got {reply.kind!r}")
        return reply.results

    def cancel(self) -> None:
        """End the running job with the child; the job's caller gets `TrainingFailed`. The next job starts a new one."""
        self._cancelled = True
        self._end()

    def close(self) -> None:
        """End the child and wait for it; nothing is left running."""
        self._cancelled = True
        self._end()

    def _within_memory(self, job: Job, progress: Progress) -> Reply:
        """Do the job, in smaller micro-batches where memory lacks; `MemoryExhausted` when the smallest do not fit."""
        self._cancelled = False
        while True:
            try:
                return self._run(job, progress)
            except MemoryExhausted as lack:
                if self._cancelled:
                    raise TrainingFailed(f"the {job.kind} job was cancelled") from lack
                self._halve(lack)

    def _halve(self, lack: MemoryExhausted) -> None:
        self._end()
        training = self._setup.training
        tried = training.batch_tokens if training.batch_tokens != "auto" else self._chosen or _TOKENS_UNTOLD
        if (tokens := tried // 2) < FEWEST_TOKENS:
            self._setup = self._as_configured  # for a try after somebody has made room
            raise MemoryExhausted(
                f"{lack}; this was tried with fewer and fewer tokens at a time, down to {tried}: free "
                "memory, or choose a smaller model or training.max_tokens"
            ) from lack
        logger.warning("%s; tried again with micro-batches of %d tokens", lack, tokens)
        self._setup = replace(self._setup, training=training.model_copy(update={"batch_tokens": tokens}))

    def _run(self, job: Job, progress: Progress) -> Reply:
        child = self._living()
        child.send(job)
        reply: Reply | None = None
        try:
            while (reply := child.receive(self._stall_s)) is not None:
                if isinstance(reply, Progressed):
                    progress(reply.stage, reply.done, reply.total)
                elif isinstance(reply, BatchChosen):
                    if reply.batch_tokens != self._chosen:
                        logger.info("micro-batches of %d tokens were chosen for these models", reply.batch_tokens)
                    self._chosen = reply.batch_tokens
                elif not isinstance(reply, Ready):
                    break
        except Silent as stalled:
            child.end()
            raise TrainingFailed(
                f"the training process made no progress in its {job.kind} job for {self._stall_s:g} s "
                "(training.stall_seconds) and was ended; it can be run again"
            ) from stalled
        finally:
            if isinstance(reply, Progressed):
                child.end()  # `progress` raised: the replies to come would be taken for the next job's
        if reply is None:
            raise self._died(child, job)
        self._kills = 0
        if isinstance(reply, Failed):
            if reply.worn:
                child.end()
            raise _as_error(reply)
        return reply

    def _died(self, child: Child, job: Job) -> CcitError:
        """Why there is no reply."""
        code, why = child.ended()
        if self._cancelled:
            return TrainingFailed(f"the {job.kind} job was cancelled")
        self._kills = self._kills + 1 if code == -signal.SIGKILL else 0
        if self._kills >= _KILLS:
            return MemoryExhausted(
                f"the training process was killed during the {job.kind} job, as if memory had run out"
            )
        return TrainingFailed(f"the training process died during the {job.kind} job ({why}); it can be run again")

    def _living(self) -> Child:
        with self._lock:
            if self._child is None or not self._child.alive:
                self._child = Child(self._command, self._log)
                self._child.send(self._setup)
            return self._child

    def _end(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()


def _as_error(failed: Failed) -> CcitError:
    """The same class as in the child."""
    kind = getattr(errors, failed.error, TrainingFailed)
    return kind(failed.message) if kind is not errors.InputError else TrainingFailed(failed.message)

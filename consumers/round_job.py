"""One round at work: a thread that waits for the training process, so that the thread that polls never does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ccit.assembly.training import TrainerParts
from ccit.errors import ModelUnusable, TrainingFailed
from ccit.pipeline import judge, material_of, train
from ccit.records import Candidate, Material, Pooled, Round, Sample, Spend, Verdict, Version

logger = logging.getLogger("ccit.train")

MAX_TRIES = 3  # a fault that comes back every time: a fourth try would come out the same
PLAIN = Sample("plain", "plain", "ccit", "en", "What is one and one?", "One and one is two.")
_CANCEL_AGAIN_S = 0.5
_REPORT_EVERY = 0.1  # share of a stage between two lines of progress in the log


NO_MATERIAL = Material((), ())


@dataclass(frozen=True, slots=True)
class Finished:
    """A round's outcome, not yet published; without a candidate, `failure` says why."""

    planned: Round
    material: Material
    candidate: Candidate | None
    verdict: Verdict | None
    evaluation: Spend
    failure: str = ""


class RoundJob:
    """Trains and judges one round; `finished` is asked between polls.

    A training process that dies or diverges is tried again, and in the end that is the round's outcome: it will not
    come back for ever. What is broken around the round (a damaged incumbent, a full disk, settings that do not work,
    so that not even a plain sample can be trained on) is no outcome, or every following round would be used up by it:
    `finished` raises it, and the round stays unfinished.
    """

    def __init__(
        self,
        planned: Round,
        pooled: Sequence[Pooled],
        history: Sequence[Sample],
        incumbent: Version,
        baseline: Version,
        round_number: int,
        parts: TrainerParts,
    ) -> None:
        self.planned = planned
        self.progress: tuple[str, int, int] = ("planned", 0, 0)
        self._incumbent, self._baseline = incumbent, baseline
        self._round_number = round_number
        self._parts = parts
        self._pooled, self._history = list(pooled), list(history)
        self._result: Finished | None = None
        self._crash: BaseException | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="round", daemon=True)
        self._thread.start()

    def finished(self) -> Finished | None:
        """The outcome once there is one; raises what no retry can mend."""
        if self._thread.is_alive():
            return None
        if self._crash is not None:
            raise self._crash
        return self._result

    def cancel(self) -> None:
        """End the training process and wait for the thread; nothing is published."""
        self._cancelled.set()
        while self._thread.is_alive():  # again and again: it may just have been about to start the process anew
            self._parts.cancel()
            self._thread.join(_CANCEL_AGAIN_S)

    def _run(self) -> None:
        try:
            self._result = self._with_retries()
        except BaseException as crash:  # noqa: BLE001 - handed to the thread that polls, which raises it
            self._crash = crash

    def _with_retries(self) -> Finished:
        try:
            material = material_of(self.planned, self._pooled, self._parts.recipe.sources, self._history)
        except KeyError as gone:
            failure = f"the text of sample {gone} is gone: the topic's retention is shorter than the round had to wait"
            return Finished(self.planned, NO_MATERIAL, None, None, Spend(), failure)
        failure = "cancelled"
        for attempt in range(1, MAX_TRIES + 1):
            if self._cancelled.is_set():
                break
            try:
                return self._once(material)
            except TrainingFailed as error:
                failure = str(error)
                logger.warning("round %s, try %d of %d: %s", self.planned.round_id, attempt, MAX_TRIES, error)
        if not self._cancelled.is_set():
            self._require_trainable()
        return Finished(self.planned, material, None, None, Spend(), failure)

    def _require_trainable(self) -> None:
        """Raise `ModelUnusable` when a plain sample cannot be trained on either: then it is not the round's samples."""
        plain = replace(
            self.planned, ranges=(), sample_ids=(PLAIN.sample_id,), validation_ids=(), parts={}, left_out=()
        )
        try:
            train(plain, Material((PLAIN,), ()), self._incumbent, self._parts.trainer, self._progressed)
        except TrainingFailed as error:
            raise ModelUnusable(
                f"not even a plain sample can be trained on, so the samples of round {self.planned.round_id} are not "
                f"the cause: {error}; correct [training] or [models] and start `ccit train` again"
            ) from error

    def _once(self, material: Material) -> Finished:
        parts, planned = self._parts, self.planned
        candidate = train(planned, material, self._incumbent, parts.trainer, self._progressed)
        verdict, spent = judge(
            candidate,
            self._incumbent,
            self._baseline,
            material,
            parts.judging,
            self._round_number,
            self._progressed,
        )
        return Finished(planned, material, candidate, verdict, spent)

    def _progressed(self, stage: str, done: int, total: int) -> None:
        if self._cancelled.is_set():  # a cancel that falls between two jobs of the training process ends the next one
            raise TrainingFailed(f"round {self.planned.round_id} was cancelled")
        last_stage, last_done, _ = self.progress
        if stage == last_stage and done - last_done < total * _REPORT_EVERY and done < total:
            return
        self.progress = (stage, done, total)
        logger.info("round %s: %s %d/%d", self.planned.round_id, stage, done, total)

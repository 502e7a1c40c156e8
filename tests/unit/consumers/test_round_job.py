"""What ends a round, and what ends the trainer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from ccit.assembly.training import TrainerParts
from ccit.errors import ArtifactDamaged, CcitError, ModelUnusable, StorageFailed, TrainingFailed
from ccit.ports.training import Progress
from ccit.records import Candidate, Material, Pooled, Round, Version
from consumers.round_job import MAX_TRIES, PLAIN, Finished, RoundJob
from tests.nouns import a_round, candidate, pooled, recipe_of
from tests.nouns import version as version_of


def finished(job: RoundJob) -> Finished:
    deadline = time.monotonic() + 30
    while (outcome := job.finished()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return outcome


def test_a_round_without_its_texts_fails_with_a_reason() -> None:
    parts = cast(TrainerParts, SimpleNamespace(recipe=recipe_of()))
    outcome = finished(RoundJob(a_round(sample_ids=("gone",)), [], [], version_of(), version_of(), 1, parts))
    assert outcome.candidate is None
    assert outcome.verdict is None
    assert "gone" in outcome.failure


def test_the_round_is_named_by_its_manifest() -> None:
    round_ = a_round(sample_ids=("gone",))
    assert replace(round_, seed=1).round_id != round_.round_id


class Fails:
    """Port `Trainer`, with one fault for ever."""

    def __init__(self, fault: CcitError, *, on_plain: bool = True) -> None:
        self._fault, self._on_plain = fault, on_plain
        self.asked = 0

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        if material.training == (PLAIN,) and not self._on_plain:
            return candidate(planned.round_id)
        self.asked += 1
        raise self._fault


def job(trainer: Fails, samples: Sequence[Pooled]) -> RoundJob:
    parts = cast(TrainerParts, SimpleNamespace(recipe=recipe_of(), trainer=trainer))
    one = a_round(sample_ids=[p.sample.sample_id for p in samples])
    return RoundJob(one, samples, [], version_of(), version_of(), 1, parts)


def test_a_training_process_that_dies_every_time_is_the_rounds_outcome() -> None:
    trainer = Fails(TrainingFailed("the loss is not finite"), on_plain=False)
    outcome = finished(job(trainer, [pooled(0)]))
    assert (trainer.asked, outcome.candidate, outcome.failure) == (MAX_TRIES, None, "the loss is not finite")


def test_settings_with_which_not_even_a_plain_sample_can_be_trained_on_use_no_samples_up() -> None:
    """`target_modules` with an embedding: each round failed, and its samples were gone."""
    trainer = Fails(TrainingFailed("training failed in a library: ValueError: not supported"))
    with pytest.raises(ModelUnusable, match=r"not even a plain sample can be trained on.*ValueError: not supported"):
        finished(job(trainer, [pooled(0)]))
    assert trainer.asked == MAX_TRIES + 1


@pytest.mark.parametrize("fault", [ArtifactDamaged("the incumbent's adapter"), StorageFailed("no space left")])
def test_a_fault_around_the_round_ends_the_trainer_and_uses_no_samples_up(fault: CcitError) -> None:
    """As an outcome it would take the samples of this round, then of the next, until someone looks."""
    with pytest.raises(type(fault)):
        finished(job(Fails(fault), [pooled(0)]))


class Starting:
    """A trainer whose first process was not there yet when it was cancelled, as `TrainingProcess` may be caught."""

    recipe = recipe_of()

    def __init__(self) -> None:
        self.trainer = self
        self.about_to_start = threading.Event()
        self.cancels = 0
        self._missed = threading.Event()
        self._ended = threading.Event()

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        self.about_to_start.set()
        self._missed.wait()
        self._ended.wait()  # the first line of a new process, minutes from now
        raise TrainingFailed("cancelled")

    def cancel(self) -> None:
        self.cancels += 1
        if not self._missed.is_set():
            self._missed.set()  # nothing to kill yet
        else:
            self._ended.set()


def test_a_cancel_ends_a_process_that_was_just_being_started() -> None:
    parts = Starting()
    one = pooled(0)
    round_ = a_round(sample_ids=[one.sample.sample_id])
    job = RoundJob(round_, [one], [], version_of(), version_of(), 1, cast(TrainerParts, parts))
    assert parts.about_to_start.wait(30.0)
    cancelled = threading.Thread(target=job.cancel, daemon=True)
    cancelled.start()
    cancelled.join(30.0)
    assert not cancelled.is_alive()
    assert parts.cancels == 2

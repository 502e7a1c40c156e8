"""What ends a round, and what ends the trainer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from ccit.assembly import Workshop
from ccit.errors import ArtifactDamaged, CcitError, StorageFailed, TrainingFailed
from ccit.ports import Progress
from ccit.records import Candidate, Material, Pooled, Round, Version
from consumers.round_job import MAX_TRIES, Finished, RoundJob
from tests.nouns import a_round, pooled
from tests.nouns import version as version_of


def finished(job: RoundJob) -> Finished:
    deadline = time.monotonic() + 30
    while (outcome := job.finished()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return outcome


def test_a_round_without_its_texts_fails_with_a_reason() -> None:
    workshop = cast(Workshop, SimpleNamespace(general=()))
    outcome = finished(RoundJob(a_round(sample_ids=("gone",)), [], [], version_of(), 1, workshop))
    assert outcome.candidate is None
    assert outcome.verdict is None
    assert "gone" in outcome.failure


def test_the_round_is_named_by_its_manifest() -> None:
    round_ = a_round(sample_ids=("gone",))
    assert replace(round_, seed=1).round_id != round_.round_id


class Fails:
    """Port `Trainer`, with one fault for ever."""

    def __init__(self, fault: CcitError) -> None:
        self._fault = fault
        self.asked = 0

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        self.asked += 1
        raise self._fault


def job(trainer: Fails, samples: Sequence[Pooled]) -> RoundJob:
    workshop = cast(Workshop, SimpleNamespace(general=(), trainer=trainer))
    one = a_round(sample_ids=[p.sample.sample_id for p in samples])
    return RoundJob(one, samples, [], version_of(), 1, workshop)


def test_a_training_process_that_dies_every_time_is_the_rounds_outcome() -> None:
    trainer = Fails(TrainingFailed("the loss is not finite"))
    outcome = finished(job(trainer, [pooled(0)]))
    assert (trainer.asked, outcome.candidate, outcome.failure) == (MAX_TRIES, None, "the loss is not finite")


@pytest.mark.parametrize("fault", [ArtifactDamaged("the incumbent's adapter"), StorageFailed("no space left")])
def test_a_fault_around_the_round_ends_the_trainer_and_uses_no_samples_up(fault: CcitError) -> None:
    """As an outcome it would take the samples of this round, then of the next, until someone looks."""
    with pytest.raises(type(fault)):
        finished(job(Fails(fault), [pooled(0)]))

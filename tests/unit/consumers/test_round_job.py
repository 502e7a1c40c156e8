"""A round whose texts are gone ends with an outcome that says so; it does not end the trainer."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from ccit.assembly import Workshop
from ccit.records import Due, Round, Version
from consumers.round_job import Finished, RoundJob
from tests.nouns import version as version_of


def finished(job: RoundJob) -> Finished:
    deadline = time.monotonic() + 30
    while (outcome := job.finished()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return outcome


def planned(version: Version) -> Round:
    return Round(
        alias=version.alias,
        ranges=(),
        sample_ids=("gone",),
        validation_ids=(),
        sample_digest="",
        replay_ids=(),
        general_ids=(),
        parent=0,
        base_model="",
        base_revision="",
        proxy_model="",
        proxy_revision="",
        config_digest="",
        code_digest="",
        seed=0,
        due=Due("size", ""),
    )


def test_a_round_without_its_texts_fails_with_a_reason() -> None:
    workshop = cast(Workshop, SimpleNamespace(general=()))
    outcome = finished(RoundJob(planned(version_of()), [], [], version_of(), 1, workshop))
    assert outcome.candidate is None
    assert outcome.verdict is None
    assert "gone" in outcome.failure


def test_the_round_is_named_by_its_manifest() -> None:
    round_ = planned(version_of())
    assert replace(round_, seed=1).round_id != round_.round_id

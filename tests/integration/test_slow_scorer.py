"""A slow model on the real broker: how far it is shows all the time, and every record is decided once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from ccit.records import Sample, Score
from consumers import progress as progress_module
from consumers import score as score_module
from consumers.kafka.batches import BatchLimits
from consumers.kafka.clients import KafkaSettings
from consumers.score import ScoreConsumer
from tests.crash.parts import stub_scoring
from tests.integration.following import config_for, decisions, feed, replica, reports, running, until

RECORDS, EACH_S, STEP_S = 60, 0.1, 0.4


def test_progress_shows_while_it_works(
    settings: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "EVERY_S", 0.5)
    monkeypatch.setattr(score_module, "BatchLimits", partial(BatchLimits, step_s=STEP_S))
    config = config_for(settings, tmp_path)
    scoring = stub_scoring(config, 0.0)
    score, sizes = scoring.proxy.score, list[int]()

    def slow(samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        time.sleep(EACH_S * len(samples))
        sizes.append(len(samples))
        return score(samples)

    monkeypatch.setattr(scoring.proxy, "score", slow)
    feed(settings, [(f"r-{n}", f"answer {n}") for n in range(RECORDS)])
    scorer = ScoreConsumer(config, scoring, "a")
    with running(scorer, scorer.loop.stop):
        until(lambda: sum(scorer.step.decided.values()) == RECORDS, "all is decided")
        until(lambda: (found := replica(settings, "score-a")) is not None and not found.detail, "it says it is done")
    said = [report.detail for report in reports(settings, "score-a")]
    assert len(decisions(settings)) == RECORDS  # each once
    assert sizes[0] == 16, "nothing was measured yet"
    assert max(sizes[1:]) <= 2 * STEP_S / EACH_S, sizes
    assert len(sizes) >= 5, "what is still to be read goes down in steps of a batch"
    assert any("to go at" in detail for detail in said), said

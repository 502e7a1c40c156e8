from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ccit.config import Config
from ccit.drift.monitor import DriftMonitor
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.records import Decision, Sample
from ccit.replay import Loop, replay
from ccit.triggers.any_of import AnyOf
from tests.crash.parts import stub_scoring, stub_trainer_parts
from tests.drifting import Always

LENIENT = {"checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 2.0}, "novelty": {"max_similarity": 1.0}}}


def loop_of(root: Path, drift: DriftMonitor) -> Loop:
    """With stub models, and no trigger."""
    config = Config.model_validate({"store": {"root": str(root)}, "selection": LENIENT})
    scoring, parts = stub_scoring(config, 0.0), stub_trainer_parts(config, 0.0)
    lineage = Lineage(scoring.base)
    return Loop(
        admission=scoring.admission,
        proxy=scoring.proxy,
        trigger=AnyOf(()),
        trainer=parts.trainer,
        judging=parts.judging,
        recipe=parts.recipe,
        admitted=scoring.admitted,
        fates=Fates(lineage),
        lineage=lineage,
        drift=drift,
    )


def test_a_drift_marks_what_comes_after_it_as_in_a_live_run(tmp_path: Path) -> None:
    """The monitor sees each accepted sample at its place: the batch after the one that explains a change is marked."""
    monitor = DriftMonitor(lambda: {"always": Always(at=5)}, standing=8, stamp="test")
    stream = [Sample(f"s{n}", f"r{n}", "ward", "en", f"Which {n}?", f"It is {n}.") for n in range(60)]
    batches = [stream[begin : begin + 10] for begin in range(0, 60, 10)]
    lines = list(replay(batches, loop_of(tmp_path, monitor), lambda *_: None, lambda: 0.0))
    decisions = [line for line in lines if isinstance(line, Decision)]
    assert all(decision.accepted for decision in decisions)
    assert [n for n, decision in enumerate(decisions) if decision.annotations] == list(range(40, 50))
    assert [(drift.partition, drift.offset) for drift in monitor.found] == [(0, 4)]
    again = list(replay(batches, replace(loop_of(tmp_path, DriftMonitor())), lambda *_: None, lambda: 0.0))
    assert not any(line.annotations for line in again if isinstance(line, Decision))

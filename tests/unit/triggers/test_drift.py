from __future__ import annotations

from dataclasses import replace

from ccit.ports.rounds import TriggerContext
from ccit.records import Pooled
from ccit.triggers.drift import DriftTrigger
from tests.nouns import decision, pooled


def marked(number: int, name: str = "drift", cause: str = "words") -> Pooled:
    return replace(pooled(number), decision=replace(decision(number), annotations={name: cause}))


def due(pool: list[Pooled], min_size: int = 1) -> float | None:
    found = DriftTrigger(DriftTrigger.Settings(samples=2), TriggerContext(99, min_size)).due(pool, now=0.0)
    return None if found is None else found.numbers["marked"]


def test_enough_marked_samples_start_a_round() -> None:
    assert due([marked(0), pooled(1)]) is None
    assert due([marked(0), pooled(1), marked(2)]) == 2


def test_another_annotation_is_no_drift() -> None:
    assert due([marked(0, "language"), marked(1, "language")]) is None


def test_a_round_has_its_least_size() -> None:
    assert due([marked(0), marked(1)], min_size=3) is None


def test_another_source_form_or_answer_is_no_reason_to_hurry() -> None:
    causes = ("source", "form", "answers", "new_knowledge", "unclear", "new_knowledge")
    assert due([marked(number, cause=cause) for number, cause in enumerate(causes)]) == 3

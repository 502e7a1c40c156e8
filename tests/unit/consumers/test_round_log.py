"""What the outcome of a round looks like on the topics: events, keys, partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccit.events import CandidateJudged, Event, RoundPlanned, decode, encode, event_name
from ccit.lineage import Lineage
from ccit.pipeline import material_of, plan
from ccit.pool import Pool
from ccit.records import Due, Material, OffsetRange, Outcome, Position, Round, Spend
from consumers import round_log as round_log_module
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.round_job import Finished
from consumers.round_log import RoundLog, announced, outcome, planned_output
from tests.nouns import a_round as a_manifest
from tests.nouns import candidate, pooled, recipe_of, verdict, version

TOPICS = Topics("ccit.")
RECIPE = recipe_of()


def a_round() -> tuple[Round, Material]:
    pool = Pool()
    for number in range(10):
        pool.add(pooled(number))
    planned = plan(pool, Due("size", ""), version(), RECIPE, [], {0: 0})
    return planned, material_of(planned, pool.waiting, RECIPE.sources, [])


def said(outputs: list[Output]) -> list[tuple[str, str, bytes | None, int | None]]:
    return [(o.topic, event_name(o.headers), o.key, o.partition) for o in outputs]


def test_the_manifest_comes_first_and_reads_back() -> None:
    planned, _ = a_round()
    output = planned_output(planned, 1.0, TOPICS)
    assert said([output]) == [("ccit.rounds", "round-planned.v1", planned.round_id.encode(), 0)]
    assert decode(output.value, output.headers).planned == planned  # type: ignore[union-attr]  # asserted above


def test_a_promotion_is_four_messages_of_one_transaction() -> None:
    planned, material = a_round()
    finished = Finished(planned, material, candidate(planned.round_id), verdict(), Spend(7, 70.0))
    outputs, announcement = outcome(finished, Lineage(version()), [], 1.0, TOPICS)
    key = planned.round_id.encode()
    assert said(outputs) == [
        ("ccit.rounds", "candidate-trained.v1", key, 0),
        ("ccit.rounds", "candidate-judged.v1", key, 0),
        ("ccit.model-versions", "version-promoted.v1", b"ccit@1", 0),
        ("ccit.model-versions", "version-promoted.v1", b"ccit", 0),
    ]
    assert announcement is not None
    assert announcement.version.number == 1


def test_a_held_candidate_announces_nothing() -> None:
    planned, material = a_round()
    finished = Finished(planned, material, candidate(planned.round_id), verdict("hold"), Spend())
    outputs, announcement = outcome(finished, Lineage(version()), [], 1.0, TOPICS)
    assert [name for _, name, _, _ in said(outputs)] == ["candidate-trained.v1", "candidate-judged.v1"]
    assert announcement is None


def test_a_round_that_could_not_be_trained_has_its_outcome_too() -> None:
    planned, material = a_round()
    finished = Finished(planned, material, None, None, Spend(), "the loss is not finite")
    outputs, announcement = outcome(finished, Lineage(version()), [], 1.0, TOPICS)
    assert [name for _, name, _, _ in said(outputs)] == ["candidate-judged.v1"]
    judged = decode(outputs[0].value, outputs[0].headers)
    assert (judged.failure, judged.verdict, judged.number) == ("the loss is not finite", None, None)  # type: ignore[union-attr]  # asserted above
    assert announcement is None


def test_a_rollback_moves_the_alias_and_leaves_the_versions_as_they_are() -> None:
    lineage = Lineage(version())
    lineage.apply(lineage.promote(version(1, 0), 0.0))
    assert said(announced(lineage.roll_back(0, 1.0), TOPICS)) == [
        ("ccit.model-versions", "version-rolled-back.v1", b"ccit", 0)
    ]


def judged(planned: Round, said: Outcome | None) -> CandidateJudged:
    return CandidateJudged(planned.round_id, None, verdict(said) if said else None, "", 0, 0.0)


def log_of(events: list[Event], monkeypatch: pytest.MonkeyPatch) -> tuple[RoundLog, Round | None]:
    """What the line of alias `ccit` says when these are on the topic."""

    class Log:
        """In the place of a `Follower`."""

        def __enter__(self) -> Log:
            return self

        def __exit__(self, *_: object) -> None: ...

        def to_end(self) -> Iterator[list[KafkaMessage]]:
            for offset, event in enumerate(events):
                value, headers = encode(event, at=0.0, source="test")
                yield [KafkaMessage("ccit.rounds", 0, offset, None, value, headers)]

    monkeypatch.setattr(round_log_module, "Follower", lambda *_: Log())
    line = RoundLog(KafkaSettings("nowhere:1"), Lineage(version()))
    return line, line.catch_up()


def test_the_line_says_what_was_used_and_what_may_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = a_manifest(ranges=[OffsetRange(0, 0, 5), OffsetRange(1, 0, 3)])
    held = a_manifest(ranges=[OffsetRange(0, 5, 9)])
    failed = a_manifest(ranges=[OffsetRange(0, 9, 11)])
    last = a_manifest(ranges=[OffsetRange(1, 3, 8)])
    events: list[Event] = []
    for planned, said in ((first, "not_enough_evidence"), (held, "hold"), (failed, None)):
        events += [RoundPlanned(planned, planned.round_id), judged(planned, said)]  # type: ignore[arg-type]  # outcomes
    line, unfinished = log_of([*events, RoundPlanned(last, last.round_id)], monkeypatch)
    assert unfinished == last
    assert (line.fates.judged, line.fates.used_up_to) == (3, {0: 11, 1: 3})
    assert [line.fates.replayable(Position(0, offset)) for offset in (4, 5, 9)] == [True, False, False]


def test_rounds_of_other_aliases_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    own = a_manifest(ranges=[OffsetRange(0, 0, 5)])
    other = replace(own, alias="other")
    open_one = replace(a_manifest(ranges=[OffsetRange(0, 5, 9)]), alias="other")
    events: list[Event] = [RoundPlanned(own, own.round_id), RoundPlanned(other, other.round_id)]
    events += [judged(other, "promote"), RoundPlanned(open_one, open_one.round_id)]
    line, unfinished = log_of(events, monkeypatch)
    assert (unfinished, line.fates.judged, line.fates.used_up_to) == (own, 0, {})

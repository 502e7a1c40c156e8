"""The demo's bookkeeping, fed with events made here: every figure of the summary follows from what was seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ccit.demo.summary import Rollback, summarise, total
from ccit.demo.traffic import version_of
from ccit.demo.watch import Watch
from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    ReplicaReported,
    RoundPlanned,
    SampleAdmitted,
    SampleRejected,
    VersionPromoted,
    VersionRolledBack,
)
from ccit.lineage import Lineage
from ccit.pipeline import material_of, plan, promote
from ccit.pool import Pool
from ccit.records import Decision, Due, ReplicaReport, Spend
from ccit.report.history import ServingRow
from ccit.simulation.faults import Truth
from ccit.simulation.stream import SimulatedMessage
from consumers.kafka.messages import KafkaMessage
from consumers.observe import Seen
from tests.nouns import candidate, pooled, recipe_of, sample, verdict, version

STREAM = [
    *(SimulatedMessage(b"", b"%d" % n, 0, f"ward:{n}", Truth.CLEAN) for n in range(10)),
    SimulatedMessage(b"", b"10", 1, "ward:10", Truth.WRONG_ANSWER),
    SimulatedMessage(b"", b"\xff", 1, None, Truth.GARBAGE),
]
SIZE = 10
RECIPE = recipe_of(SIZE)


def seen(event: Event | None, topic: str = "ccit.any", reason: bytes = b"", value: bytes = b"") -> Seen:
    return Seen(KafkaMessage(topic, 0, 0, None, value, (("ccit_reason", reason),)), event)


def decided(number: int, reason: str = "accepted") -> Seen:
    decision = Decision(sample(number), reason == "accepted", reason)
    return seen(SampleAdmitted(decision, "", "", "") if decision.accepted else SampleRejected(decision))


def reported(role: Any, number: int, sequence: int, state: Any = "active", spent: Spend | None = None) -> Seen:
    report = ReplicaReport(f"{role}-demo", role, state, number, sequence, "", 0.0, spent or Spend())
    return seen(ReplicaReported(report))


@pytest.fixture
def watch() -> Watch:
    watch = Watch(STREAM, SIZE)
    watch.came = len(STREAM)
    return watch


def live(watch: Watch) -> None:
    """Ten let in, one refused, one dead letter; a round that is promoted; a rollback."""
    for number in range(10):
        watch.take(decided(number), 1.0)
    watch.take(decided(10, "ifd_too_high"), 1.0)
    watch.take(seen(None, "ccit.dead-letters", b"not_json", b"\xff"), 1.0)
    pool, lineage = Pool(), Lineage(version())
    for number in range(10):
        pool.add(pooled(number))
    planned = plan(pool, Due("size", "10 samples"), version(), RECIPE, [], {0: 0})
    trained = candidate(planned.round_id)
    material = material_of(planned, pool.waiting, RECIPE.sources, [])
    announcement = promote(trained, verdict(), planned, lineage, material, 3.0)
    assert announcement is not None
    lineage.apply(announcement)
    watch.take(seen(RoundPlanned(planned, planned.round_id)), 2.0)
    watch.take(seen(CandidateTrained(trained)), 4.0)
    watch.take(seen(CandidateJudged(planned.round_id, 1, verdict(), "", 50, 500.0)), 5.0)
    watch.take(seen(VersionPromoted(announcement)), 5.0)
    watch.take(seen(VersionPromoted(announcement)), 5.0)  # under the alias as well
    watch.take(reported("score", 1, 1, spent=Spend(30, 300.0)), 6.0)
    watch.take(reported("serve", 1, 1), 6.0)
    watch.take(seen(VersionRolledBack(lineage.roll_back(0, 7.0))), 7.0)
    watch.take(reported("score", 0, 2, spent=Spend(30, 300.0)), 8.0)
    watch.take(reported("serve", 0, 2), 8.0)


def test_a_decision_that_comes_again_is_counted_once_and_remembered(watch: Watch) -> None:
    watch.take(decided(1), 1.0)
    watch.take(decided(1), 2.0)
    assert watch.settled == 1
    assert watch.seen_records["ward:1"] == 2


@pytest.mark.parametrize(("value", "day", "kind"), [(b"\xff", 1, "garbage"), (b"3", 0, "clean"), (b"other", 7, "")])
def test_a_dead_letter_shows_as_what_was_sent(watch: Watch, value: bytes, day: int, kind: str) -> None:
    watch.day = 7
    watch.take(seen(None, "ccit.dead-letters", b"not_json", value), 1.0)
    (row,) = watch.dead_letters
    assert (row.day, row.kind, row.reason) == (day, kind, "not_json")


def test_it_rests_when_nothing_is_due_and_everyone_has_followed(watch: Watch) -> None:
    assert not watch.at_rest()  # nobody has reported
    watch.take(reported("score", 0, 0), 0.0)
    watch.take(reported("serve", 0, 0), 0.0)
    assert watch.at_rest()
    for number in range(SIZE):
        watch.take(decided(number), 1.0)
    assert not watch.at_rest()  # a round is due


def test_the_story_tells_what_matters_once(watch: Watch) -> None:
    assert watch.take(decided(1), 1.0) is None
    assert watch.take(reported("serve", 1, 1), 1.0) == "serve runs version 1"
    assert watch.take(reported("serve", 1, 1), 2.0) is None
    assert watch.take(reported("train", 1, 1), 2.0) is None
    failed = watch.take(reported("score", 1, 1, state="failed"), 2.0)
    assert failed is not None
    assert "refused" in failed


def test_what_was_refused_before_it_was_a_row_settles_none(watch: Watch) -> None:
    for stage in (b"clinical", b"generate", b"ingest"):
        letter = KafkaMessage("ccit.dead-letters", 0, 0, None, None, (("ccit_stage", stage),))
        watch.take(Seen(letter, None), 1.0)
    assert (watch.settled, watch.decided()) == (1, False)
    watch.came = 1
    assert watch.decided()


def test_the_summary_has_every_promised_field_and_the_right_counts(watch: Watch) -> None:
    live(watch)
    serving = [ServingRow(1.0, 0, True, 0.1), ServingRow(6.5, 1, True, 0.1), ServingRow(9.0, None, False, 0.1)]
    summary = summarise(watch, STREAM, serving, Rollback(1, 0, 0.5), Spend(30, 300.0), seed=3, seconds=12.34)
    assert summary["seed"] == 3
    assert summary["records"] == {
        "in": 12,
        "decided": 11,
        "accepted": 10,
        "trained": 9,
        "rejected": {"ifd_too_high": 1},
        "dead_lettered": 1,
        "dead_letters": {"not_json": 1},
        "decided_again": 0,
    }
    assert summary["truth"] == {
        "clean": {"in": 10, "accepted": 10, "beside_original": 0, "dead_lettered": 0},
        "wrong_answer": {"in": 1, "accepted": 0, "beside_original": 0, "dead_lettered": 0},
        "garbage": {"in": 1, "accepted": 0, "beside_original": 0, "dead_lettered": 1},
    }
    assert (summary["rounds"], summary["held"], summary["active_version"], summary["proxy_version"]) == (1, 0, 0, 0)
    assert summary["serving"] == {"requests": 3, "failed": 1, "versions_seen": [0, 1]}
    assert summary["rollback"] == {"from": 1, "to": 0, "seconds": 0.5}
    base, first = summary["versions"]
    assert (base["number"], base["accuracy"], base["accuracy_by_group"]) == (0, 0.55, {"heart": 0.55})
    assert (first["number"], first["parent"], first["verdict"], first["forgetting_pp"]) == (1, 0, "promote", 0.5)


def test_a_copy_that_came_first_stands_in_for_its_original_and_is_told_from_one_let_in_beside_it() -> None:
    kind = Truth.NEAR_DUPLICATE
    stream = [
        *STREAM,
        *(SimulatedMessage(b"", b"%d" % n, 1, f"ward:{n}", kind, f"ward:{n - 15}") for n in (20, 25, 30)),
    ]
    watch = Watch(stream, SIZE)
    for number, reason in (
        (5, "accepted"),
        (20, "accepted"),
        (25, "accepted"),
        (10, "near_duplicate"),
        (30, "novelty"),
    ):
        watch.take(decided(number, reason), 1.0)
    counted = summarise(watch, stream, [], None, Spend(), seed=0, seconds=1.0)["truth"][kind.value]
    assert counted == {"in": 3, "accepted": 2, "beside_original": 1, "dead_lettered": 0}


def test_every_cost_is_counted_against_accepting_all(watch: Watch) -> None:
    live(watch)
    compute = summarise(watch, STREAM, [], None, Spend(30, 300.0), seed=0, seconds=1.0)["compute"]
    spent = 300.0 + 1e6 + 500.0
    everything = 1e6 * 11 / 10 + 500.0  # eleven different records were decided, ten of them trained on
    assert (compute["scoring_tokens"], compute["training_tokens"], compute["evaluation_tokens"]) == (30, 100, 50)
    assert compute["flops"] == spent
    assert compute["accept_all_flops"] == pytest.approx(everything)
    assert compute["saving"] == pytest.approx(1 - spent / everything)


def test_what_waits_and_what_came_twice_is_on_neither_side_alone(watch: Watch) -> None:
    live(watch)
    watch.take(decided(11), 9.0)  # let in, and no round has used it
    again = replace(sample(11), record_id="ward:99", sample_id="s99")
    watch.take(seen(SampleRejected(Decision(again, False, "exact_duplicate"))), 9.0)
    compute = summarise(watch, STREAM, [], None, Spend(30, 300.0), seed=0, seconds=1.0)["compute"]
    assert compute["waiting_flops"] == pytest.approx(1e6 / 10)
    assert compute["flops"] == pytest.approx(300.0 + 1e6 + 1e5 + 500.0)
    assert compute["accept_all_flops"] == pytest.approx(1e6 * 12 / 10 + 500.0)


def test_a_stream_without_a_round_has_no_saving_to_boast_of(watch: Watch) -> None:
    watch.take(decided(1), 1.0)
    summary = summarise(watch, STREAM, [], None, Spend(), seed=0, seconds=1.0)
    assert summary["compute"]["saving"] is None
    assert summary["rollback"] is None
    assert [v["number"] for v in summary["versions"]] == [0]


def test_spends_add_up() -> None:
    assert total([Spend(1, 2.0), Spend(3, 4.0)]) == Spend(4, 6.0)


@pytest.mark.parametrize("fingerprint", [None, "", "other"])
def test_an_answer_that_names_no_version_is_an_error(fingerprint: str | None) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        version_of(fingerprint)

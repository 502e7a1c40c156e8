"""A law that cannot fail proves nothing: each has mutations of a sound run that it counts, and no other law does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from ccit.events import CandidateJudged, RoundPlanned, VersionPromoted, VersionRolledBack
from consumers.kafka.messages import KafkaMessage
from tests.crash.feed import is_poison, key_of
from tests.crash.laws import Breaches
from tests.unit.crash.synthetic import RECORDS, Run, admitted, healthy, rejected, sample_of

PLAN_AFTER_ROLLBACK = 5  # of the plans in the log: 1, 2, 3, the dropped one, 4, and 4 taken up again


def no_decision(run: Run) -> None:
    run.messages.remove(run.message("rejects"))


def two_decisions(run: Run) -> None:
    run.messages.append(run.message("rejects"))


def written_twice_by_ingest(run: Run) -> None:
    run.asked.ingested["ward:1"] += 1


def no_decision_about_what_was_sent_again(run: Run) -> None:
    run.asked.raw["ward:1"] += 1


def never_on_raw(run: Run) -> None:
    message = run.message("rejects")
    run.messages.remove(message)
    name = key_of(number_in(message))
    del run.asked.raw[name], run.asked.ingested[name]


def one_outcome_for_two_messages(run: Run) -> None:
    """What was fed again left no trace."""
    run.messages.remove(refused_copy(run))


def refused_copy(run: Run) -> KafkaMessage:
    """The refusal of an admitted record that was fed again."""
    admitted_keys = {message.key for message in run.messages if message.topic.endswith("samples")}
    return next(m for m in run.messages if m.topic.endswith("rejects") and m.key in admitted_keys)


def number_in(message: KafkaMessage) -> int:
    """Which record was refused or admitted."""
    return next(n for n in range(RECORDS) if not is_poison(n) and sample_of(n).sample_id.encode() == message.key)


def admitted_again(run: Run) -> None:
    """A record that was fed again: at its second time the scorer did not know that it had admitted it."""
    copy = refused_copy(run)
    run.messages.remove(copy)
    run.messages.append(admitted(sample_of(number_in(copy)), 10_000))


def decided_but_never_sent(run: Run) -> None:
    run.messages.append(rejected(sample_of(RECORDS + 1)))


def a_sample_in_two_rounds(run: Run) -> None:
    used = run.planned(0).sample_ids[0]
    run.replan(1, lambda planned: replace(planned, sample_ids=(*planned.sample_ids, used)))


def an_offset_past_an_unused_sample(run: Run) -> None:
    run.used_up_to[0] += 1


def an_offset_before_a_used_sample(run: Run) -> None:
    run.used_up_to[0] -= 1


def an_offset_that_was_never_committed(run: Run) -> None:
    run.used_up_to.clear()


def two_outcomes(run: Run) -> None:
    run.events.append(run.events[run.place(CandidateJudged)])


def a_round_thrown_away(run: Run) -> None:
    """It was held; now it says that it could not be trained."""
    place = run.place(CandidateJudged, 1)
    held = run.events[place]
    assert isinstance(held, CandidateJudged)
    run.events[place] = replace(held, verdict=None, failure="the disk was full")


def a_round_that_should_have_failed(run: Run) -> None:
    fated = run.planned(1).round_id
    run.asked.fails = lambda round_id: round_id == fated


def a_crash_that_plans_another_round(run: Run) -> None:
    other = replace(run.planned(1), seed=99)
    run.events.insert(run.place(RoundPlanned, 1), RoundPlanned(other, other.round_id))


def a_gap_in_the_announcements(run: Run) -> None:
    del run.events[run.place(VersionPromoted, 1)]


def two_announcements_in_one_place(run: Run) -> None:
    event = run.events[run.place(VersionRolledBack)]
    assert isinstance(event, VersionRolledBack)
    other = replace(event.announcement, version=replace(event.announcement.version, number=2))
    run.events.append(VersionRolledBack(other))
    run.asked.rollbacks += 1


def a_rollback_that_expected_another_version(run: Run) -> None:
    place = run.place(VersionRolledBack)
    event = run.events[place]
    assert isinstance(event, VersionRolledBack)
    run.events[place] = VersionRolledBack(replace(event.announcement, expected_previous=1))


def replay(run: Run, of_plan: int) -> None:
    picked = run.planned(of_plan).sample_ids[0]
    run.replan(
        PLAN_AFTER_ROLLBACK, lambda planned: replace(planned, parts={"replay": (*planned.parts["replay"], picked)})
    )


def replay_of_a_held_round(run: Run) -> None:
    replay(run, 1)


def replay_of_a_version_that_was_left(run: Run) -> None:
    replay(run, 2)


def replay_of_what_no_round_used(run: Run) -> None:
    run.replan(PLAN_AFTER_ROLLBACK, lambda planned: replace(planned, parts={"replay": ("nobody's",)}))


def replay_of_its_own_samples(run: Run) -> None:
    replay(run, PLAN_AFTER_ROLLBACK)


def admitted_against_the_thresholds(run: Run) -> None:
    message = run.message("rejects")
    run.messages.remove(message)
    run.messages.append(admitted(sample_of(number_in(message)), 10_000))


def refused_against_the_thresholds(run: Run) -> None:
    message = run.message("samples", -1)
    run.messages.remove(message)
    run.messages.append(rejected(sample_of(number_in(message))))


def an_altered_dead_letter(run: Run) -> None:
    message = run.message("dead-letters")
    run.messages[run.messages.index(message)] = replace(message, value=(message.value or b"")[:-1])


def a_dead_letter_of_what_can_be_read(run: Run) -> None:
    message = run.message("dead-letters")
    run.messages.remove(message)
    run.messages.append(replace(message, key=b"ward:1", value=b"{}"))


def a_rollback_that_nobody_asked_for(run: Run) -> None:
    run.asked.rollbacks -= 1


def a_command_without_an_answer(run: Run) -> None:
    run.unanswered += 1


def adapter_of(run: Run) -> Path:
    """The one file of the first version's deployed adapter."""
    event = run.events[run.place(VersionPromoted)]
    assert isinstance(event, VersionPromoted)
    adapters = event.announcement.version.adapters
    assert adapters is not None
    (digest,) = adapters.deployed.files.values()
    return run.root / "store" / "objects" / digest


def a_missing_artifact(run: Run) -> None:
    adapter_of(run).unlink()


def a_flipped_bit(run: Run) -> None:
    path = adapter_of(run)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


# mutation -> the laws that count it; `ccit verify`, which the law `audit` asks, looks at some of it too
MUTATIONS: dict[Callable[[Run], None], set[str]] = {
    no_decision: {"lost"},
    two_decisions: {"twice"},
    never_on_raw: {"lost"},
    one_outcome_for_two_messages: {"lost"},
    written_twice_by_ingest: {"ingested_twice"},
    decided_but_never_sent: {"invented"},
    admitted_again: {"admitted_twice"},
    a_sample_in_two_rounds: {"rounds_twice"},
    an_offset_past_an_unused_sample: {"rounds_lost"},
    an_offset_before_a_used_sample: {"rounds_lost"},
    an_offset_that_was_never_committed: {"rounds_lost"},
    two_outcomes: {"outcomes_twice", "audit"},
    a_round_thrown_away: {"failed_wrongly"},
    a_round_that_should_have_failed: {"failed_wrongly"},
    a_crash_that_plans_another_round: {"plans_dropped"},
    a_gap_in_the_announcements: {"versions_forked"},
    two_announcements_in_one_place: {"versions_forked", "audit"},
    a_rollback_that_expected_another_version: {"versions_forked", "audit"},
    replay_of_a_held_round: {"replayed_wrongly"},
    replay_of_a_version_that_was_left: {"replayed_wrongly"},
    replay_of_what_no_round_used: {"replayed_wrongly"},
    replay_of_its_own_samples: {"replayed_wrongly"},
    admitted_against_the_thresholds: {"misjudged"},
    refused_against_the_thresholds: {"misjudged"},
    an_altered_dead_letter: {"letters_altered"},
    a_dead_letter_of_what_can_be_read: {"lost", "twice", "letters_altered"},
    a_rollback_that_nobody_asked_for: {"rollbacks_twice"},
    a_command_without_an_answer: {"commands_left"},
    a_missing_artifact: {"audit"},
    a_flipped_bit: {"audit"},
}


def test_a_sound_run_breaks_no_law(tmp_path: Path) -> None:
    run = healthy(tmp_path)
    assert run.breaches().total == 0, run.breaches()
    assert run.planned(PLAN_AFTER_ROLLBACK).parts["replay"]
    assert len(run.asked.wanted) > max(run.used_up_to.values())


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_breach_is_counted(tmp_path: Path, mutation: Callable[[Run], None]) -> None:
    run = healthy(tmp_path)
    mutation(run)
    assert {name for name, count in asdict(run.breaches()).items() if count} == MUTATIONS[mutation]


def test_every_law_can_be_broken() -> None:
    """By a mutation that no other law sees, but for `audit` and the one that `audit` always sees too."""
    alone = {name for laws in MUTATIONS.values() for name in laws if laws <= {name, "audit"}}
    assert alone == {field.name for field in fields(Breaches)}

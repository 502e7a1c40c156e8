"""A sound log has no findings; each planted breach has one that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ccit.audit import of_alias, verify
from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
)
from ccit.lineage import Lineage
from ccit.pipeline import material_of, plan, promote
from ccit.pool import Pool
from ccit.records import AdapterPair, Due
from ccit.store.files import FileStore
from tests.nouns import candidate, pooled, recipe_of, verdict, version

RECIPE = recipe_of()


@dataclass
class Log:
    """Three rounds: promoted, held, promoted; then a rollback."""

    events: list[Event]
    store: FileStore
    root: Path

    def findings(self) -> list[str]:
        return [f"{finding.subject}: {finding.detail}" for finding in verify(self.events, self.store).findings]

    def at(self, kind: type[Event], number: int = 0) -> int:
        return [place for place, event in enumerate(self.events) if isinstance(event, kind)][number]


def adapters(store: FileStore, folder: Path, name: str) -> AdapterPair:
    pair = []
    for role in ("deployed", "proxy"):
        source = folder / f"{name}-{role}"
        source.mkdir(parents=True)
        (source / "adapter_model.safetensors").write_bytes(f"{name} {role}".encode())
        pair.append(store.put(source))
    return AdapterPair(*pair)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    store = FileStore(tmp_path / "store")
    pool, lineage, start, events = Pool(), Lineage(version()), {0: 0}, list[Event]()
    for number in range(30):
        pool.add(pooled(number))
    for number, outcome in enumerate(("promote", "hold", "promote")):
        made = plan(pool, Due("size", ""), lineage.incumbent, RECIPE, [], start)
        used = pool.within(made.ranges)
        pair = adapters(store, tmp_path, f"round-{number}")
        trained = replace(candidate(made.round_id), adapters=pair)
        judged = verdict("promote" if outcome == "promote" else "hold")
        material = material_of(made, used, RECIPE.sources, [])
        announcement = promote(trained, judged, made, lineage, material, float(number))
        became = announcement.version.number if announcement else None
        events += [
            RoundPlanned(made, made.round_id),
            CandidateTrained(trained),
            CandidateJudged(made.round_id, became, judged, "", 10, 100.0),
        ]
        if announcement is not None:
            events.append(VersionPromoted(announcement))
            lineage.apply(announcement)
        pool.remove(used)
        start = {0: made.ranges[0].end}
    events.append(VersionRolledBack(lineage.roll_back(1, at=9.0)))
    return Log(events, store, tmp_path / "store")


def test_a_sound_log_has_no_findings(log: Log) -> None:
    audit = verify(log.events, log.store)
    assert audit.findings == []
    assert (audit.rounds, audit.versions, audit.announcements, audit.files) == (3, 2, 3, 4)


def test_another_alias_on_the_same_topics_is_another_line(log: Log) -> None:
    planned, trained, judged, promoted = log.events[:4]
    assert isinstance(planned, RoundPlanned)
    assert isinstance(trained, CandidateTrained)
    assert isinstance(judged, CandidateJudged)
    assert isinstance(promoted, VersionPromoted)
    made = replace(planned.planned, alias="other")
    became = replace(promoted.announcement.version, alias="other", round_id=made.round_id)
    others: list[Event] = [
        RoundPlanned(made, made.round_id),
        CandidateTrained(replace(trained.candidate, round_id=made.round_id)),
        replace(judged, round_id=made.round_id),
        VersionPromoted(replace(promoted.announcement, version=became)),
    ]
    unplanned = replace(judged, round_id="nobody's")
    mixed = [*others, *log.events, unplanned]
    assert of_alias(mixed, "ccit") == [*log.events, unplanned]
    assert of_alias([*log.events, *others], "other") == others
    assert verify(of_alias([*log.events, *others], "other"), log.store).findings == []
    assert verify(mixed, log.store).findings != []


def test_the_same_announcement_under_two_keys_is_one(log: Log) -> None:
    assert verify([*log.events, *log.events[3:4]], log.store).findings == []


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    assert verify([], FileStore(tmp_path)).findings == []


def _changed_manifest(log: Log) -> None:
    place = log.at(RoundPlanned)
    event = log.events[place]
    assert isinstance(event, RoundPlanned)
    log.events[place] = replace(event, planned=replace(event.planned, seed=99))


def _second_outcome(log: Log) -> None:
    log.events.append(log.events[log.at(CandidateJudged)])


def _outcome_without_plan(log: Log) -> None:
    log.events.append(CandidateJudged("never", None, verdict("hold"), "", 0, 0.0))


def _samples_used_twice(log: Log) -> None:
    first, second = log.events[log.at(RoundPlanned)], log.events[log.at(RoundPlanned, 1)]
    assert isinstance(first, RoundPlanned)
    assert isinstance(second, RoundPlanned)
    shifted = replace(second.planned, ranges=first.planned.ranges)
    log.events[log.at(RoundPlanned, 1)] = RoundPlanned(shifted, second.round_id)


def _version_without_plan(log: Log) -> None:
    del log.events[log.at(RoundPlanned)]


def _version_without_training(log: Log) -> None:
    del log.events[log.at(CandidateTrained)]


def _other_adapters(log: Log) -> None:
    place = log.at(CandidateTrained)
    event = log.events[place]
    assert isinstance(event, CandidateTrained)
    log.events[place] = CandidateTrained(replace(event.candidate, adapters=candidate("x").adapters))


def _held_and_yet_promoted(log: Log) -> None:
    place = log.at(CandidateJudged)
    event = log.events[place]
    assert isinstance(event, CandidateJudged)
    log.events[place] = replace(event, number=None, verdict=verdict("hold"))


def _promoted_without_evidence(log: Log) -> None:
    place = log.at(CandidateJudged)
    event = log.events[place]
    assert isinstance(event, CandidateJudged)
    log.events[place] = replace(event, verdict=verdict("hold"))


def _with_version(log: Log, number: int, **changes: object) -> None:
    place = log.at(VersionPromoted, number)
    event = log.events[place]
    assert isinstance(event, VersionPromoted)
    made = replace(event.announcement.version, **changes)  # type: ignore[arg-type]  # any field of Version
    log.events[place] = VersionPromoted(replace(event.announcement, version=made))


def _parent_that_is_not_there(log: Log) -> None:
    _with_version(log, 1, parent=7)


def _parent_of_another_round(log: Log) -> None:
    _with_version(log, 1, parent=0)


def _number_used_twice(log: Log) -> None:
    place = log.at(VersionPromoted, 1)
    event = log.events[place]
    assert isinstance(event, VersionPromoted)
    twin = replace(event.announcement.version, number=1)
    log.events[place] = VersionPromoted(replace(event.announcement, version=twin))


def _another_was_active(log: Log) -> None:
    place = log.at(VersionRolledBack)
    event = log.events[place]
    assert isinstance(event, VersionRolledBack)
    log.events[place] = VersionRolledBack(replace(event.announcement, expected_previous=1))


def _flipped_bit(log: Log) -> None:
    stored = next(path for path in log.root.rglob("*") if path.is_file() and path.read_bytes() == b"round-2 deployed")
    stored.chmod(0o600)
    stored.write_bytes(b"round-2 deploxed")


def _lost_file(log: Log) -> None:
    next(path for path in log.root.rglob("*") if path.is_file() and path.read_bytes() == b"round-0 proxy").unlink()


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_changed_manifest, "its manifest hashes to"),
        (_second_outcome, "expected one outcome, found 2"),
        (_outcome_without_plan, "round never: it has an outcome but was never planned"),
        (_samples_used_twice, "of partition 0 are in"),
        (_version_without_plan, "was never planned"),
        (_version_without_training, "has no trained candidate"),
        (_other_adapters, "version 1: its adapters are not those of round"),
        (_held_and_yet_promoted, "was not judged to become it"),
        (_promoted_without_evidence, "was not judged to become it"),
        (_parent_that_is_not_there, "version 2: its parent 7 does not exist"),
        (_parent_of_another_round, "version 2: its parent is 0, but its round started from 1"),
        (_number_used_twice, "expected one version of that number, found 2"),
        (_another_was_active, "it expected version 1 to be active, but 2 was"),
        (_flipped_bit, "version 2: deployed adapter:"),
        (_lost_file, "version 1: proxy adapter:"),
    ],
)
def test_each_breach_is_found(log: Log, plant: Callable[[Log], None], found: str) -> None:
    plant(log)
    assert any(found in finding for finding in log.findings()), log.findings()

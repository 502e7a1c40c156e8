"""The reduced crash matrix: ingest, scorer and trainer killed at each of their failpoints, then the truth is counted.

One run: three processes side by side, each started armed with its next failpoint, killed there, started again. What a
thousand kills on three brokers show is `make crash-matrix`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ccit.errors import Fenced
from ccit.failpoints import FAILPOINTS
from consumers.broker.local import LocalKafka
from consumers.commands import issue
from consumers.kafka.clients import KafkaSettings
from consumers.status import Status, look
from tests.crash.laws import Breaches
from tests.crash.parts import SCORING
from tests.crash.points import POINTS
from tests.crash.slot import Death, Slot
from tests.crash.system import System

RECORDS = 1800
_WAIT_S = 300.0  # of the whole run; it takes about a minute
_ENDS_WITHIN_S = 25.0  # SIGTERM to exit: a batch's grace of 10 s, leaving the group, closing the clients

ROLES = ("ingest", "score", "train")  # "train-lora" is killed in `test_training_kills.py`
PASS = {"score": 2, "ingest": 2, "train": 1}  # the second batch: the first shows that a life gets as far


@dataclass
class Gauntlet:
    """One place and the failpoints still ahead of it."""

    slot: Slot
    ahead: list[str]
    deaths: list[Death] = field(default_factory=list)

    def turn(self) -> None:
        """Start what has died; after the last failpoint, unarmed. On a calm broker nothing else ends a process."""
        death = self.slot.poll()
        if death is not None:
            assert death.at_failpoint, death
            self.deaths.append(death)
        if not self.slot.running:
            point = self.ahead.pop(0) if self.ahead else ""
            self.slot.start(f"{point}@{PASS[self.slot.role]}" if point else "")

    @property
    def over(self) -> bool:
        return not self.ahead and self.slot.running and not self.slot.armed


@dataclass
class Aftermath:
    """What the run left."""

    deaths: list[Death]
    breaches: Breaches
    copies_admitted: int
    rollbacks: int
    status: Status
    endings: list[Death]


def run(system: System) -> Aftermath:
    gauntlets = [
        Gauntlet(system.slot("ingest", "ingest-a"), list(POINTS["ingest"])),
        Gauntlet(system.slot("score", "score-a"), list(POINTS["score"])),
        Gauntlet(system.slot("train", "train-a"), list(POINTS["train"])),
    ]
    system.feed.up_to(RECORDS)
    system.feed.flush()
    asked = False

    def turn() -> None:
        nonlocal asked
        for gauntlet in gauntlets:
            gauntlet.turn()
            if gauntlet.slot.armed.startswith("train.command_obeyed") and not asked:
                system.ledger.poll()
                if system.ledger.promoted:  # else there is nothing to roll back, and the command is refused
                    issue(system.settings, "ccit", "rollback", to=0)
                    asked = True

    deadline = time.monotonic() + _WAIT_S
    while not all(gauntlet.over for gauntlet in gauntlets):
        assert time.monotonic() < deadline, [(g.slot.name, g.slot.armed, g.ahead) for g in gauntlets]
        turn()
        time.sleep(0.02)
    system.settle(deadline - time.monotonic(), turn)
    status = look(system.settings, "ccit")
    while any(replica.sequence < status.announced for replica in status.replicas):
        assert time.monotonic() < deadline, status
        turn()
        status = look(system.settings, "ccit")
    for gauntlet in gauntlets:
        gauntlet.slot.terminate()
    endings = [gauntlet.slot.wait(_ENDS_WITHIN_S) for gauntlet in gauntlets]
    copies = sum(count - 1 for count in system.ledger.contents.values())
    deaths = [death for gauntlet in gauntlets for death in gauntlet.deaths]
    return Aftermath(deaths, system.truth(), copies, system.ledger.rollbacks, status, endings)


@pytest.fixture(scope="module")
def aftermath(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    with System(kafka.settings("crash."), tmp_path_factory.mktemp("crash")) as system:
        yield run(system)


@pytest.mark.parametrize(("role", "point"), [(role, point) for role in ROLES for point in POINTS[role]])
def test_was_killed_there(aftermath: Aftermath, role: str, point: str) -> None:
    """Seen: each says on stderr where it strikes."""
    assert [d.at_failpoint for d in aftermath.deaths if (d.role, d.armed) == (role, point)] == [True]


def test_every_failpoint_has_a_role_that_is_killed_there() -> None:
    """Here or in `test_training_kills.py`, each at all the points of its role, and each strike is seen."""
    assert {*ROLES, "train-lora"} == set(POINTS)
    assert {point for points in POINTS.values() for point in points} == set(FAILPOINTS)


def test_nothing_lost_nothing_twice(aftermath: Aftermath) -> None:
    assert aftermath.breaches.total == 0, aftermath.breaches


def test_a_scorer_decides_as_if_it_had_never_been_away(aftermath: Aftermath) -> None:
    """One scorer, killed nine times, still knows what it had admitted: no content is admitted twice."""
    assert aftermath.copies_admitted == 0


def test_a_command_is_obeyed_once(aftermath: Aftermath) -> None:
    """The trainer was killed as soon as it had obeyed: its effect and its mark are one transaction."""
    assert aftermath.rollbacks == 1


def test_status_tells_who_is_where(aftermath: Aftermath) -> None:
    """Each process that was killed and came back reports under its name what it follows now."""
    status = aftermath.status
    assert [(r.role, r.state, r.sequence) for r in status.replicas] == [
        ("score", "active", status.announced),
        ("train", "active", status.announced),
    ]
    assert len({replica.version for replica in status.replicas}) == 1
    assert status.open_round == ""


def test_sigterm_ends_each_process_cleanly(aftermath: Aftermath) -> None:
    assert [(d.role, d.code) for d in aftermath.endings] == [("ingest", 0), ("score", 0), ("train", 0)]


@pytest.fixture
def system(kafka: LocalKafka, settings: KafkaSettings, tmp_path: Path) -> Iterator[System]:
    with System(settings, tmp_path) as one:
        yield one


def records_decided(system: System, count: int) -> None:
    """Feed so many, and wait until they are decided."""
    system.feed.up_to(count)
    system.feed.flush()
    for role in ("ingest", "score"):
        system.slot(role, role).start()
    deadline = time.monotonic() + _WAIT_S
    while len(system.ledger.decisions) < count:
        assert time.monotonic() < deadline
        system.ledger.poll()
        time.sleep(0.1)


@pytest.mark.parametrize("pace_s", [0.0, 60.0], ids=["idle", "in_a_round"])
def test_the_older_of_two_trainers_is_fenced_and_says_so(system: System, pace_s: float) -> None:
    """Whether it has something to publish or not; and the newer one goes on where it was."""
    records_decided(system, 20 if pace_s == 0.0 else 120)
    older, newer = system.slot("train", "train-a"), system.slot("train", "train-b")
    older.start(pace_s=pace_s)
    older.await_said("is active" if pace_s == 0.0 else "train 0/")
    time.sleep(1.0)  # until it has its partitions
    newer.start()
    death = older.wait(60.0)
    assert death.code == Fenced.exit_code
    assert death.said.startswith("ccit: another process has taken over")
    system.settle(60.0)
    assert system.truth().total == 0, system.truth()


def scorer_in_a_step(system: System, pace_s: float) -> Slot:
    """A scorer in the middle of a step that takes `pace_s` seconds; without a trainer."""
    system.feed.up_to(24)  # fewer samples than a round needs
    system.feed.flush()
    slow = system.slot("score", "score")
    system.slot("ingest", "ingest").start()
    slow.start(pace_s=pace_s)
    slow.await_said(SCORING)
    return slow


def test_a_second_signal_ends_a_scorer_at_once_and_loses_nothing(system: System) -> None:
    """Its step sleeps for a minute: the first signal waits for the grace of 10 s, the second does not."""
    slow = scorer_in_a_step(system, 60.0)
    slow.terminate()
    slow.await_said("SIGTERM")
    slow.terminate()
    assert slow.wait(5.0).code == 128 + signal.SIGTERM
    slow.start()
    system.settle(60.0)
    assert system.truth().total == 0, system.truth()


def test_a_step_that_outlasts_the_grace_is_dropped(system: System) -> None:
    slow = scorer_in_a_step(system, 600.0)
    slow.terminate()
    assert slow.wait(_ENDS_WITHIN_S).code == 0
    slow.start()
    system.settle(60.0)
    assert system.truth().total == 0, system.truth()


def test_a_trainer_in_a_round_leaves_at_once(system: System) -> None:
    """The round is cancelled at its next step, and the next life takes it up."""
    records_decided(system, 120)
    trainer = system.slot("train", "train-a")
    trainer.start(pace_s=5.0)
    trainer.await_said("train 0/")
    trainer.terminate()
    assert trainer.wait(_ENDS_WITHIN_S).code == 0
    trainer.start()
    system.settle(60.0)
    assert system.truth().total == 0, system.truth()

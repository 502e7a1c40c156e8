"""How the long matrix takes an end, and who is taken for the older of two trainers: with scripted processes."""

from __future__ import annotations

import math
import random
import signal
from pathlib import Path
from unittest.mock import Mock

import pytest

from ccit.errors import Fenced
from tests.crash.slot import Death, Slot
from tests.crash.storm import RANDOM, Tally, TrainerPlace

FENCED = "ccit: another process has taken over train-ccit; end this one"


def end(
    code: int, said: str = "", armed: str = "", *, at_failpoint: bool = False, by_us: bool = False, begun: bool = True
) -> Death:
    return Death("train", armed, at_failpoint, by_us, begun, code, 1.0, said)


class ScriptedSlot(Slot):
    """A slot whose process is words: it runs when told so, and dies when a death is set."""

    def __init__(self, name: str) -> None:
        super().__init__("train", name, Path("unused"), Path("unused"))
        self.calls: list[str] = []
        self.death: Death | None = None
        self._runs = False

    @property
    def running(self) -> bool:
        return self._runs

    def start(self, failpoint: str = "", pace_s: float = 0.0, *, freezes: bool = False) -> None:
        self.calls.append("start")
        self.armed, self._runs = failpoint, True

    def kill(self) -> None:
        self.calls.append("kill")
        self.death = end(-signal.SIGKILL, by_us=True)

    def poll(self) -> Death | None:
        death, self.death = self.death, None
        self._runs = self._runs and death is None
        return death


class Duel:
    """A trainer's place in the middle of a duel: both run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("tests.crash.storm.time.monotonic", lambda: self.now)
        monkeypatch.setattr(random.Random, "random", lambda _: 0.0)  # lives that are not armed
        self.first, self.rival, self.tally = ScriptedSlot("train-a"), ScriptedSlot("train-b"), Tally()
        self.place = TrainerPlace(self.first, self.rival, Mock(), seed=0)
        for _ in range(19):
            self.place.start()
        self.place.start()  # the twentieth life
        self.first.calls.clear()
        self.now += 10.0
        self.turn()
        assert self.first.running
        assert self.rival.running

    def turn(self, times: int = 1) -> list[bool]:
        return [self.place.turn(self.tally) for _ in range(times)]


@pytest.fixture
def duel(monkeypatch: pytest.MonkeyPatch) -> Duel:
    return Duel(monkeypatch)


def test_while_both_live_nothing_happens(duel: Duel) -> None:
    assert duel.turn(5) == [False] * 5
    assert duel.first.calls == []
    assert duel.rival.calls == ["start"]


def test_the_first_is_fenced_and_the_rival_takes_its_place(duel: Duel) -> None:
    duel.first.death = end(Fenced.exit_code, FENCED)
    assert duel.turn() == [True]
    assert duel.place.slot is duel.rival
    assert (duel.tally.fenced, duel.tally.unclear) == (1, [])
    duel.now += 10.0
    duel.turn()
    assert duel.rival.calls == ["start", "kill", "start"]  # it lives and dies as any from here on
    assert duel.first.calls == []


def test_the_rival_was_the_older_and_the_first_stays(duel: Duel) -> None:
    """It opened its transactional id first, while a coordinator that was loading held up the other."""
    duel.rival.death = end(Fenced.exit_code, FENCED)
    assert duel.turn() == [True]
    assert duel.place.slot is duel.first
    assert (duel.tally.fenced, duel.tally.unclear) == (1, [])
    duel.now += 10.0
    duel.turn()
    assert duel.first.calls == ["kill", "start"]
    assert duel.rival.calls == ["start"]


def test_both_end_and_one_goes_on(duel: Duel) -> None:
    """The second death is buried as any, once the duel is over."""
    duel.first.death = end(Fenced.exit_code, FENCED)
    duel.rival.death = end(1, "ccit: the broker is gone; start it again")
    assert duel.turn(2) == [True, True]
    assert duel.place.slot is duel.rival
    assert duel.rival.calls == ["start", "start"]
    assert not duel.first.running
    assert duel.tally.fenced == 1
    assert sum(duel.tally.ends.values()) == 2


def test_one_that_is_not_fenced_in_time_is_unclear_and_killed(duel: Duel) -> None:
    duel.now += 1000.0
    assert duel.turn() == [True]
    assert duel.tally.unclear == ["an older trainer was not fenced in time"]
    assert duel.place.slot is duel.rival
    assert duel.place._kill_at < math.inf


@pytest.mark.parametrize(
    ("death", "key"),
    [
        (end(-9, armed="train.judged", at_failpoint=True), ("train", "train.judged")),
        (end(-9, armed="train.judged", by_us=True), ("train", RANDOM)),
        (end(-9, by_us=True), ("train", RANDOM)),
    ],
)
def test_kills_are_counted_where_they_struck(death: Death, key: tuple[str, str]) -> None:
    tally = Tally()
    tally.take(death)
    assert (dict(tally.kills), tally.unclear) == ({key: 1}, [])


@pytest.mark.parametrize(
    "death",
    [
        end(1, "ccit: the broker is gone; start it again"),
        end(Fenced.exit_code, FENCED),
        end(-signal.SIGTERM, "faiss.loader Loading faiss", begun=False),
    ],
)
def test_clear_ends(death: Death) -> None:
    tally = Tally()
    tally.take(death)
    assert (sum(tally.ends.values()), tally.unclear) == (1, [])


@pytest.mark.parametrize(
    "death",
    [
        end(1, "ValueError: what now"),
        end(2, "ccit: a wrong configuration"),
        end(-signal.SIGTERM, "ccit.kafka assigned"),  # it had begun, so it should have left by its own handler
        end(-signal.SIGSEGV),
        end(-signal.SIGKILL, armed="train.judged"),  # neither the failpoint nor we: the kernel, out of memory
        end(0),
    ],
)
def test_unclear_ends(death: Death) -> None:
    tally = Tally()
    tally.take(death)
    assert (len(tally.unclear), tally.killed) == (1, 0)

"""The long matrix: every process killed again and again, at failpoints and at random moments, while brokers go down.

Each place in the system has a generator of its own, seeded by the run's seed and the place's name: what is done to it,
and in which order, is the same for the same seed. When it strikes depends on the machine, as it does in life.
"""

from __future__ import annotations

import math
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ccit.errors import BrokerUnavailable, CcitError, Fenced
from consumers.commands import Verb, issue
from tests.crash.points import POINTS
from tests.crash.slot import Death, Slot
from tests.crash.system import System

RANDOM = "at a random moment"
_AHEAD_KILLS = 12  # records are fed by kills, so that none of them hits an idle system; this many ahead
_LONGEST_LIFE_S = 9.0  # a failpoint that was not reached by then: the process is killed where it is
_FENCED_WITHIN_S = 120.0  # seconds at most with a broker that answers; it may be down for a while
_PASSES = {"score": 8, "ingest": 12, "train": 3}  # batches or rounds that a life may see: the stream must flow


@dataclass(slots=True)
class Tally:
    """What was done, and how the processes took it."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)  # role and failpoint -> times
    ends: Counter[str] = field(default_factory=Counter)  # sentences of processes that ended by themselves
    unclear: list[str] = field(default_factory=list)  # ends without one clear sentence
    added: int = 0
    removed: int = 0
    fenced: int = 0
    commands: int = 0

    @property
    def killed(self) -> int:
        """All kills."""
        return sum(self.kills.values())

    def take(self, death: Death) -> None:
        """Count how a process ended."""
        if death.at_failpoint or (death.code == -signal.SIGKILL and death.by_us):
            self.kills[death.role, death.armed if death.at_failpoint else RANDOM] += 1
        elif death.code == -signal.SIGKILL:
            self.unclear.append(f"{death.role} was killed by somebody else (out of memory?): {death.said[:200]}")
        elif death.code == -signal.SIGTERM and not death.begun:  # it had begun nothing that could be lost
            self.ends["asked to leave while it was starting"] += 1
        elif death.code not in (CcitError.exit_code, Fenced.exit_code) or not death.said.startswith("ccit: "):
            self.unclear.append(f"{death.role} ended with exit code {death.code}: {death.said[:200]}")
        else:
            self.ends[_kind(death.said)] += 1


def _kind(said: str) -> str:
    """A sentence without its numbers and names, to count its like."""
    return " ".join(word for word in said.split() if word.isalpha())[:90]


class Place:
    """A process that is killed and started again for as long as the storm lasts."""

    def __init__(self, slot: Slot, seed: int) -> None:
        self.slot = slot
        self._random = random.Random(f"{seed}/{slot.name}")
        self._points: list[str] = []
        self._kill_at = 0.0

    def start(self) -> None:
        """The next life: three of four are armed with a failpoint, each in its turn; one is killed at random."""
        life_s = self._random.uniform(0.4, 4.0)
        if self._random.random() < 0.25:
            self.slot.start(pace_s=0.05)
        else:
            if not self._points:
                self._points = self._random.sample(POINTS[self.slot.role], len(POINTS[self.slot.role]))
            passes = self._random.randint(1, _PASSES[self.slot.role])
            self.slot.start(f"{self._points.pop()}@{passes}", pace_s=0.05)
            life_s = _LONGEST_LIFE_S
        self._kill_at = time.monotonic() + life_s

    def turn(self, tally: Tally) -> bool:
        """Kill, bury and start again as it is due; True after a death."""
        if self.slot.running and time.monotonic() > self._kill_at:
            self.slot.kill()
        death = self.slot.poll()
        if death is not None:
            tally.take(death)
        if not self.slot.running:
            self.start()
        return death is not None


class TrainerPlace(Place):
    """The trainer's: now and then it gets a command, and now and then a rival takes its place from it."""

    def __init__(self, slot: Slot, rival: Slot, system: System, seed: int) -> None:
        super().__init__(slot, seed)
        self._rival = rival
        self._system = system
        self._lives = 0
        self._duel_at = 0.0
        self._asked = False

    def start(self) -> None:
        """As any; every twentieth life is a duel."""
        self._lives += 1
        self._duel_at, self._asked = 0.0, False
        if self._lives % 20 == 0:
            self.slot.start(pace_s=self._random.choice((0.05, 5.0)))
            self._duel_at = time.monotonic() + self._random.uniform(1.0, 5.0)
            self._kill_at = self._duel_at + _FENCED_WITHIN_S
            return
        super().start()

    def turn(self, tally: Tally) -> bool:
        """As any, and what belongs to a duel or a command."""
        if self.slot.armed.startswith("train.command_obeyed") and not self._asked:
            self._command(tally)
        if self._duel_at and time.monotonic() > self._duel_at and self.slot.running and not self._rival.running:
            self._rival.start(pace_s=0.05)
        if not self._rival.running:
            return super().turn(tally)
        return self._duel(tally)

    def _duel(self, tally: Tally) -> bool:
        """Until one is gone. Who opens the transactional id first is the older, which need not be who started first:
        a coordinator that is still loading makes one of them wait."""
        if self.slot.running and time.monotonic() > self._kill_at:
            tally.unclear.append("an older trainer was not fenced in time")
            self._kill_at = math.inf
            self.slot.kill()
        death = self.slot.poll()
        if death is not None:
            self.slot, self._rival = self._rival, self.slot
        else:
            death = self._rival.poll()
        if death is None:
            return False
        tally.fenced += "another process has taken over" in death.said
        tally.take(death)
        self._duel_at, self._kill_at = 0.0, time.monotonic() + self._random.uniform(0.4, 4.0)
        return True

    def _command(self, tally: Tally) -> None:
        """Give it something to obey."""
        self._asked = True
        verbs: tuple[Verb, ...] = self._random.choice((("rollback",), ("hold", "resume"), ("round-now", "round-now")))
        try:
            for verb in verbs:
                issue(self._system.settings, "ccit", verb)
                tally.commands += 1
        except BrokerUnavailable:
            return  # a broker is down: the life ends by its time


class Visitor:
    """A scorer that joins for a while and leaves on SIGTERM."""

    def __init__(self, slot: Slot, seed: int) -> None:
        self.slot = slot
        self._random = random.Random(f"{seed}/{slot.name}")
        self._change_at = time.monotonic()

    def turn(self, tally: Tally) -> bool:
        """Come or go as it is due; True when it went."""
        death = self.slot.poll()
        if death is not None and death.code == 0:
            tally.removed += 1
        elif death is not None:
            tally.take(death)
        if time.monotonic() > self._change_at:
            if self.slot.running:
                self.slot.terminate()
                self._change_at = time.monotonic() + self._random.uniform(20.0, 40.0)
            else:
                self.slot.start(pace_s=0.05)
                tally.added += 1
                self._change_at = time.monotonic() + self._random.uniform(8.0, 20.0)
        return death is not None


def storm(
    system: System,
    records: int,
    kills: int,
    seed: int,
    calm: Callable[[], None],
    told: Callable[[Tally], None],
) -> Tally:
    """Kill until `kills`, feed until `records`, then let everything settle and end on SIGTERM.

    Parameters
    ----------
    calm : callable
        Ends the brokers' troubles before everything settles.
    told : callable
        Called about ten times a second.
    """
    tally = Tally()
    places: list[Place] = [Place(system.slot(role, name), seed) for role, name in _PLACES]
    places.append(TrainerPlace(system.slot("train", "train-a"), system.slot("train", "train-b"), system, seed))
    visitor = Visitor(system.slot("score", "score-visiting"), seed)
    while tally.killed < kills:
        system.feed.up_to(min(records, (tally.killed + _AHEAD_KILLS) * records // kills))
        for place in places:
            place.turn(tally)
        visitor.turn(tally)
        told(tally)
        time.sleep(0.03)
    calm()
    issue(system.settings, "ccit", "resume")  # the one that belongs to a hold may have found no broker
    tally.commands += 1
    system.feed.up_to(records)
    system.feed.flush()
    _settle(system, tally, told)
    return tally


_PLACES = (("ingest", "ingest-a"), ("score", "score-a"), ("score", "score-b"))
_SETTLES_WITHIN_S = 900.0
_ENDS_WITHIN_S = 25.0


def _settle(system: System, tally: Tally, told: Callable[[Tally], None]) -> None:
    """Armed processes may still strike; then one of each role finishes the work, unarmed."""
    for slot in system.slots:
        slot.kill()
    last = [next(s for s in system.slots if s.role == role) for role in ("ingest", "score", "train")]

    def turn() -> None:
        for slot in system.slots:
            death = slot.poll()
            if death is not None:
                tally.take(death)
            if slot in last and not slot.running:
                slot.start()
        told(tally)

    try:
        system.settle(_SETTLES_WITHIN_S, turn)
    except TimeoutError as late:  # the laws are counted all the same
        tally.unclear.append(str(late))
    for slot in last:
        slot.terminate()
    for slot in last:
        try:
            death = slot.wait(_ENDS_WITHIN_S)
        except TimeoutError as late:
            tally.unclear.append(str(late))
            continue
        if death.code != 0:
            tally.unclear.append(f"{slot.name} should end with exit code 0 on SIGTERM, but {death.code}: {death.said}")

"""What has become of each accepted sample: it follows from its position, the `rounds` topic and the line of versions.

    waiting      no round has used it, or one that ended with too little evidence: then it waits to be replayed
    in a round   a manifest holds it, and that round has no outcome yet
    trained      the incumbent or an ancestor of it was trained on it, by its own round or by a replay
    set aside    its round left it out, was held or could not be trained; or only versions that a rollback left were
                 trained on it

What is set aside counts no longer against copies and novelty, so that its content may be let in again, under another
record: at once after a rollback, which is a person's word; after a cool-down where a round set it aside, or the next
one would be made of the same again. The cool-down is counted in rounds with an outcome and not in seconds, so that
every scorer comes to the same end, whenever it reads.

No accepted sample is in none of these states, and none is in two (`tests/property/test_fates.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from ccit.events import CandidateJudged, Event, RoundPlanned
from ccit.lineage import Lineage
from ccit.position_set import PositionSet, range_of, taken_of
from ccit.records import OffsetRange, Outcome, Position, Round, Verdict

_NOWHERE = PositionSet()


class Fate(StrEnum):
    """What has become of an accepted sample."""

    WAITING = "waiting"
    IN_A_ROUND = "in a round"
    TRAINED = "trained"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, slots=True)
class _Used:
    """What the `number`-th round with an outcome took and left out; without a verdict it could not be trained."""

    taken: tuple[OffsetRange, ...]
    left_out: tuple[OffsetRange, ...]
    outcome: Outcome | None
    number: int


class Fates:
    """A fold over the `rounds` topic of one alias.

    Parameters
    ----------
    lineage : Lineage
        As the version topic tells it; someone else moves it.
    cooldown_rounds : int
        `rounds.cooldown_rounds`.

    Example
    -------
    >>> from ccit.records import AdapterPair, Version
    >>> base = Version("ccit", 0, None, "", "", "", "", "", None, 0, (), None, {}, (), "", "")
    >>> Fates(Lineage(base)).of(Position(0, 7))
    <Fate.WAITING: 'waiting'>
    """

    def __init__(self, lineage: Lineage, cooldown_rounds: int = 0) -> None:
        self.unfinished: Round | None = None  # the last planned one, if it has no outcome
        self.used_up_to: dict[int, int] = {}  # partition -> first offset that no round with an outcome has used
        self._lineage = lineage
        self._alias = lineage.incumbent.alias
        self._cooldown = cooldown_rounds
        self._open: dict[str, Round] = {}  # without an outcome
        self._picked: dict[str, frozenset[str]] = {}  # promoted round -> ids of the samples that it picked anew
        self._used: list[_Used] = []
        self._positions: dict[str, PositionSet] = {}  # of the four questions below; made when asked for

    @property
    def judged(self) -> int:
        """Rounds with an outcome."""
        return len(self._used)

    def take(self, event: Event) -> bool:
        """Take in what the topic says; True for an outcome that is news. Other aliases are passed over."""
        if isinstance(event, RoundPlanned) and event.planned.alias == self._alias:
            self.planned(event.planned)
        return isinstance(event, CandidateJudged) and self.concluded(event.round_id, event.verdict)

    def planned(self, planned: Round) -> None:
        """A manifest was published."""
        self._open[planned.round_id] = planned
        self.unfinished = planned
        self._positions.clear()

    def concluded(self, round_id: str, verdict: Verdict | None) -> bool:
        """A round has its outcome; without a verdict it could not be trained. False when that is known already."""
        planned = self._open.pop(round_id, None)
        if planned is None:
            return False
        if self.unfinished is not None and self.unfinished.round_id == round_id:
            self.unfinished = None
        for used in planned.ranges:
            self.used_up_to[used.partition] = max(used.end, self.used_up_to.get(used.partition, 0))
        left_out = tuple(range_of(left.position) for left in planned.left_out if left.position is not None)
        outcome = verdict.outcome if verdict else None
        if outcome == "promote":
            self._picked[round_id] = frozenset(sample_id for part in planned.parts.values() for sample_id in part)
        self._used.append(_Used(taken_of(planned), left_out, outcome, self.judged + 1))
        self._positions.clear()
        return True

    @property
    def picks(self) -> Counter[str]:
        """Sample id -> rounds that picked it from earlier ones, of those that made the incumbent what it is.

        A round that a rollback left does not count; one whose version is not announced yet does, as it will be.
        """
        left = {version.round_id for version in self._lineage.versions.values()} - self._lineage.round_ids()
        return Counter(one for round_id, picked in self._picked.items() if round_id not in left for one in picked)

    def of(self, position: Position) -> Fate:
        """The one state that an accepted sample is in."""
        if self._lineage.trained(position):
            return Fate.TRAINED
        if self._lineage.abandoned(position) or position in self._aside():
            return Fate.SET_ASIDE
        if position in self._outcomes("promote"):  # its version is announced in the same transaction, on another topic
            return Fate.TRAINED
        return Fate.IN_A_ROUND if position in self._at_work() else Fate.WAITING

    def known(self, position: Position) -> bool:
        """Whether it counts against copies and novelty."""
        return self.of(position) is not Fate.SET_ASIDE or position in self._cooling()

    def replayable(self, position: Position) -> bool:
        """Whether a later round may train on it again: an earlier one did, and it was not set aside."""
        return position in self._outcomes("promote", "not_enough_evidence") and self.of(position) is not Fate.SET_ASIDE

    def _outcomes(self, *wanted: Outcome | None) -> PositionSet:
        """What the rounds with one of these outcomes have taken."""
        key = f"outcomes {wanted}"
        if key not in self._positions:
            self._positions[key] = PositionSet(r for used in self._used if used.outcome in wanted for r in used.taken)
        return self._positions[key]

    def _aside(self) -> PositionSet:
        """What rounds have set aside."""
        if "aside" not in self._positions:
            self._positions["aside"] = PositionSet(r for used in self._used for r in _set_aside_by(used))
        return self._positions["aside"]

    def _cooling(self) -> PositionSet:
        """What the last rounds have set aside; a rollback needs no cool-down, so it is not among it."""
        if "cooling" not in self._positions:
            recent = [used for used in self._used if self.judged - used.number < self._cooldown]
            self._positions["cooling"] = PositionSet(r for used in recent for r in _set_aside_by(used))
        return self._positions["cooling"]

    def _at_work(self) -> PositionSet:
        """What the round without an outcome holds; one that builds on a version that is not active is dropped."""
        one = self.unfinished
        if one is None or one.parent != self._lineage.incumbent.number:
            return _NOWHERE
        if "at work" not in self._positions:
            self._positions["at work"] = PositionSet(one.ranges)
        return self._positions["at work"]


def _set_aside_by(used: _Used) -> tuple[OffsetRange, ...]:
    """What a round has set aside: all that it left out, and what it took where nothing came of that."""
    return (*used.left_out, *used.taken) if used.outcome in ("hold", None) else used.left_out

"""The law of fates: no accepted sample is in no state, and none in two; whatever rounds and rollbacks did.

Beside the real fold over the topics stands a plain model that keeps, for every place, who used it and who was trained
on it. The versions are made by `pipeline.promote`, so that what they say they were trained on is under the same law.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.errors import VersionConflict
from ccit.events import CandidateJudged, Event, RoundPlanned
from ccit.fates import Fate, Fates
from ccit.lineage import Lineage
from ccit.pipeline import promote
from ccit.records import Announcement, LeftOut, Material, OffsetRange, Outcome, Position, Round
from tests.nouns import a_round, candidate, verdict, version

PARTITIONS, COOLDOWN = 2, 2

Act = tuple[str, Outcome | int | None, tuple[int, int], set[int]]

ROUNDS: st.SearchStrategy[Act] = st.tuples(
    st.just("round"),
    st.sampled_from(["promote", "promote", "hold", "not_enough_evidence", None]),
    st.tuples(st.integers(0, 2), st.integers(0, 3)).filter(any),  # samples of either partition
    st.sets(st.integers(0, 30), max_size=6),  # of those that may be replayed
)
PLANS: st.SearchStrategy[Act] = st.tuples(
    st.just("plan"), st.none(), st.tuples(st.integers(0, 2), st.integers(1, 3)), st.just(set())
)
ROLLBACKS: st.SearchStrategy[Act] = st.tuples(
    st.just("roll back"), st.none() | st.integers(0, 5), st.just((0, 0)), st.just(set())
)


@dataclass
class World:
    """The two topics, and the plain model."""

    lineage: Lineage = field(default_factory=lambda: Lineage(version()))
    rounds: list[Event] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))
    used: dict[Position, tuple[Outcome | None, int]] = field(default_factory=dict)  # outcome, and its number
    trained: dict[int, set[Position]] = field(default_factory=lambda: {0: set()})  # by version, ancestors not counted
    parents: dict[int, int] = field(default_factory=dict)
    at_work: Round | None = None

    def plan(self, sizes: tuple[int, int]) -> Round:
        """Every third place is left out by the planner."""
        ranges = [OffsetRange(p, self.ends[p], self.ends[p] + size) for p, size in enumerate(sizes) if size]
        left = [place for place in _places(ranges) if left_out(place)]
        planned = replace(
            a_round(parent=self.lineage.incumbent.number, ranges=ranges),
            left_out=tuple(LeftOut(f"s{place}", "third", place) for place in left),
        )
        self.rounds.append(RoundPlanned(planned, planned.round_id))
        self.at_work = planned
        return planned

    def conclude(self, planned: Round, outcome: Outcome | None, picks: set[int]) -> None:
        own = set(_places(planned.ranges))
        eligible = sorted((p for p in self.used if self.may_be_replayed(p)), key=lambda p: (p.partition, p.offset))
        replayed = [place for row, place in enumerate(eligible) if row in picks]
        self.ends.update({r.partition: r.end for r in planned.ranges})
        self.used.update(dict.fromkeys(own, (outcome, len({number for _, number in self.used.values()}) + 1)))
        self.at_work = None
        said = verdict(outcome) if outcome else None
        self.rounds.append(CandidateJudged(planned.round_id, None, said, "", 0, 0.0))
        if said is None:
            return
        made = promote(candidate(planned.round_id), said, planned, self.lineage, Material((), ()), 0.0, replayed)
        if made is not None:
            self.trained[made.version.number] = {place for place in own if not left_out(place)} | set(replayed)
            self.parents[made.version.number] = planned.parent
            self.announce(made)

    def announce(self, announcement: Announcement) -> None:
        self.announcements.append(announcement)
        self.lineage.apply(announcement)

    # -- the model ------------------------------------------------------------------------------------------------

    def line(self) -> set[int]:
        number, found = self.lineage.incumbent.number, set()
        while number in self.parents:
            found.add(number)
            number = self.parents[number]
        return found

    def is_trained(self, place: Position) -> bool:
        return any(place in self.trained[number] for number in self.line())

    def left(self, place: Position) -> bool:
        return not self.is_trained(place) and any(place in places for places in self.trained.values())

    def may_be_replayed(self, place: Position) -> bool:
        useful = self.used[place][0] in ("promote", "not_enough_evidence")
        return useful and not left_out(place) and not self.left(place)

    def states(self, place: Position) -> list[Fate]:
        """Every state whose own definition holds."""
        outcome = self.used.get(place, ("unused", 0))[0]
        one = self.at_work
        held = one is not None and one.parent == self.lineage.incumbent.number and _covers(one, place)
        free = outcome == "unused"
        tests = {
            Fate.TRAINED: self.is_trained(place),
            Fate.SET_ASIDE: self.left(place) or (not free and left_out(place)) or outcome in ("hold", None),
            Fate.IN_A_ROUND: free and held,
            Fate.WAITING: (free and not held)
            or (outcome == "not_enough_evidence" and self.may_be_replayed(place) and not self.is_trained(place)),
        }
        return [fate for fate, holds in tests.items() if holds]

    def cooling(self, place: Position) -> bool:
        outcome, number = self.used.get(place, ("unused", 0))
        judged = max((number for _, number in self.used.values()), default=0)
        aside = outcome in ("hold", None) or (outcome != "unused" and left_out(place))
        return aside and judged - number < COOLDOWN


def left_out(place: Position) -> bool:
    return place.offset % 3 == 2


def _places(ranges: Iterable[OffsetRange]) -> Iterator[Position]:
    return (Position(r.partition, offset) for r in ranges for offset in range(r.start, r.end))


def _covers(planned: Round, place: Position) -> bool:
    return any(r.partition == place.partition and r.start <= place.offset < r.end for r in planned.ranges)


def lived(acts: list[Act]) -> World:
    world = World()
    for verb, what, sizes, picks in acts:
        if verb == "roll back":
            try:
                world.announce(world.lineage.roll_back(what if isinstance(what, int) else None, 0.0))
            except VersionConflict:
                continue
        elif verb == "plan":
            world.plan(sizes)
        else:
            outcome: Outcome | None = what  # type: ignore[assignment]  # as drawn for this verb
            world.conclude(world.plan(sizes), outcome, picks)
    return world


@given(st.lists(st.one_of(ROUNDS, ROUNDS, PLANS, ROLLBACKS), max_size=14))
@settings(max_examples=200, deadline=None)
def test_no_accepted_sample_is_in_no_state_and_none_in_two(acts: list[Act]) -> None:
    world = lived(acts)
    lineage = Lineage(version())
    late = Fates(lineage, COOLDOWN)
    for event in world.rounds:
        late.take(event)
    for announcement in world.announcements:
        lineage.apply(announcement)
    for place in (Position(p, o) for p in range(PARTITIONS) for o in range(world.ends[p] + 4)):
        states = world.states(place)
        assert len(states) == 1, (place, states)
        assert late.of(place) is states[0], place
        aside = states[0] is Fate.SET_ASIDE
        assert late.known(place) == (not aside or world.cooling(place))
        assert late.replayable(place) == (place in world.used and world.may_be_replayed(place))

"""Laws of the line of versions, over any history of promotions and rollbacks, delivered once or several times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.errors import VersionConflict
from ccit.lineage import Lineage
from ccit.pool import joined
from ccit.records import Announcement, OffsetRange, Position
from tests.nouns import version

PARTITIONS, OFFSETS = 2, 12

# A promotion consumes the next few offsets of a partition; a rollback names a version or takes the parent.
PROMOTIONS = st.tuples(st.just("promote"), st.integers(0, PARTITIONS - 1), st.integers(1, 3))
ROLLBACKS = st.tuples(st.just("roll back"), st.one_of(st.none(), st.integers(0, 6)), st.just(0))
HISTORIES = st.lists(st.one_of(PROMOTIONS, ROLLBACKS), max_size=12)


def live(history: list[tuple[str, int | None, int]]) -> tuple[Lineage, list[Announcement]]:
    """What a trainer would announce; rollbacks to nowhere are refused and announce nothing."""
    lineage, log, ends = Lineage(version()), [], dict.fromkeys(range(PARTITIONS), 0)
    for verb, where, size in history:
        try:
            if verb == "promote":
                partition = where or 0
                own = OffsetRange(partition, ends[partition], ends[partition] + size)
                ends[partition] = own.end
                incumbent = lineage.incumbent
                made = version(99, incumbent.number, joined((*incumbent.consumed, own)))
                announcement = lineage.promote(made, at=0.0)
            else:
                announcement = lineage.roll_back(where, at=0.0)
        except VersionConflict:
            continue
        assert lineage.apply(announcement)
        log.append(announcement)
    return lineage, log


@given(HISTORIES)
def test_sequence_is_contiguous_and_each_expects_the_one_before(history: list[tuple[str, int | None, int]]) -> None:
    _, log = live(history)
    active = 0
    for place, announcement in enumerate(log, start=1):
        assert announcement.sequence == place
        assert announcement.expected_previous == active
        active = announcement.version.number


@given(HISTORIES)
def test_numbers_are_unique_and_parents_are_older(history: list[tuple[str, int | None, int]]) -> None:
    lineage, log = live(history)
    numbers = [a.version.number for a in log if a.kind == "promoted"]
    assert numbers == list(range(1, len(numbers) + 1))
    for announcement in log:
        if announcement.kind == "promoted":
            assert announcement.version.parent == announcement.expected_previous
    assert set(lineage.versions) == {0, *numbers}


@given(HISTORIES, st.data())
def test_repeats_in_any_number_change_nothing(history: list[tuple[str, int | None, int]], data: st.DataObject) -> None:
    lineage, log = live(history)
    follower = Lineage(version())
    for place, announcement in enumerate(log):
        follower.apply(announcement)
        for again in data.draw(st.lists(st.sampled_from(log[: place + 1]), max_size=2)):
            assert not follower.apply(again)
    assert follower.incumbent == lineage.incumbent
    assert follower.sequence == lineage.sequence
    assert follower.versions == lineage.versions


@given(HISTORIES)
def test_abandoned_is_what_undone_versions_alone_were_trained_on(history: list[tuple[str, int | None, int]]) -> None:
    lineage, log = live(history)
    trained_on: dict[int, set[tuple[int, int]]] = {0: set()}
    for announcement in log:
        made = announcement.version
        if announcement.kind == "promoted" and made.parent is not None:
            new = {(r.partition, o) for r in made.consumed for o in range(r.start, r.end)}
            trained_on[made.number] = trained_on[made.parent] | new
    of_the_line = trained_on[lineage.incumbent.number]
    of_anyone: set[tuple[int, int]] = set().union(*trained_on.values())
    for place in ((p, o) for p in range(PARTITIONS) for o in range(3 * OFFSETS)):
        assert lineage.abandoned(Position(*place)) == (place in of_anyone - of_the_line)

from __future__ import annotations

import pytest

from ccit.errors import ConfigError, VersionConflict
from ccit.lineage import Lineage
from ccit.records import Announcement, OffsetRange, Position
from tests.nouns import version


def promoted(lineage: Lineage, *consumed: OffsetRange) -> Announcement:
    announcement = lineage.promote(version(99, lineage.incumbent.number, consumed), at=1.0)
    assert lineage.apply(announcement)
    return announcement


def rolled_back(lineage: Lineage, to: int | None = None) -> Announcement:
    announcement = lineage.roll_back(to, at=2.0)
    assert lineage.apply(announcement)
    return announcement


def test_the_base_model_is_active_before_anything_is_announced() -> None:
    lineage = Lineage(version())
    assert (lineage.incumbent.number, lineage.sequence, lineage.next_number()) == (0, 0, 1)


def test_a_promotion_gets_the_next_number_and_expects_the_incumbent() -> None:
    lineage = Lineage(version())
    first, second = promoted(lineage), promoted(lineage)
    assert (first.version.number, first.expected_previous, first.sequence) == (1, 0, 1)
    assert (second.version.number, second.expected_previous, second.sequence) == (2, 1, 2)
    assert lineage.incumbent == second.version


def test_announcing_changes_nothing_until_it_is_applied() -> None:
    lineage = Lineage(version())
    lineage.promote(version(1, 0), at=1.0)
    assert (lineage.incumbent.number, lineage.sequence) == (0, 0)


def test_what_was_judged_against_another_version_is_not_promoted() -> None:
    lineage = Lineage(version())
    promoted(lineage)
    with pytest.raises(VersionConflict, match="judged against version 0, but version 1 is active"):
        lineage.promote(version(2, parent=0), at=1.0)


def test_a_rollback_goes_to_the_parent_or_to_the_one_named() -> None:
    lineage = Lineage(version())
    promoted(lineage)
    promoted(lineage)
    assert rolled_back(lineage).version.number == 1
    assert rolled_back(lineage, to=2).version.number == 2
    assert rolled_back(lineage, to=0).version.number == 0


@pytest.mark.parametrize(("to", "said"), [(7, "got 7"), (0, "active already"), (None, "got None")])
def test_a_rollback_to_nowhere_is_refused(to: int | None, said: str) -> None:
    with pytest.raises(VersionConflict, match=said):
        Lineage(version()).roll_back(to, at=0.0)


def test_a_number_is_never_used_twice() -> None:
    lineage = Lineage(version())
    promoted(lineage)
    rolled_back(lineage)
    assert promoted(lineage).version.number == 2


def test_what_only_an_undone_version_was_trained_on_is_abandoned() -> None:
    lineage = Lineage(version())
    promoted(lineage, OffsetRange(0, 0, 5))
    promoted(lineage, OffsetRange(0, 0, 9), OffsetRange(1, 0, 2))
    rolled_back(lineage)
    assert [lineage.abandoned(Position(0, offset)) for offset in (0, 4, 5, 8, 9)] == [False, False, True, True, False]
    assert lineage.abandoned(Position(1, 1))
    rolled_back(lineage, to=2)
    assert not lineage.abandoned(Position(0, 5))


def test_a_follower_that_missed_some_still_ends_up_right() -> None:
    """Compaction keeps each version under its own number and the last announcement under the alias."""
    lineage = Lineage(version())
    first, second = promoted(lineage), promoted(lineage)
    back = rolled_back(lineage)
    late = Lineage(version())
    assert [late.apply(a) for a in (back, second, first)] == [True, False, False]
    assert late.incumbent.number == 1
    assert late.versions == lineage.versions
    assert late.next_number() == lineage.next_number()


def test_the_baseline_is_any_version_that_is_known() -> None:
    lineage = Lineage(version())
    promoted(lineage)
    assert [lineage.baseline(number).number for number in (0, 1)] == [0, 1]
    with pytest.raises(ConfigError, match=r"versions 0, 1 as evaluation\.baseline, found 2"):
        lineage.baseline(2)

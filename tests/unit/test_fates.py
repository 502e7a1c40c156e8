"""What becomes of samples, outcome by outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.events import CandidateJudged, RoundPlanned
from ccit.fates import Fate, Fates
from ccit.lineage import Lineage
from ccit.pool import joined
from ccit.records import LeftOut, OffsetRange, Outcome, Position, Round
from tests.nouns import a_round, verdict, version


def over(start: int, end: int, parent: int = 0) -> Round:
    return a_round(parent=parent, ranges=[OffsetRange(0, start, end)])


def conclude(fates: Fates, planned: Round, outcome: Outcome | None) -> None:
    fates.planned(planned)
    fates.concluded(planned.round_id, verdict(outcome) if outcome else None)


@pytest.mark.parametrize(
    ("outcome", "fate", "replayable"),
    [
        ("promote", Fate.TRAINED, True),
        ("not_enough_evidence", Fate.WAITING, True),
        ("hold", Fate.SET_ASIDE, False),
        (None, Fate.SET_ASIDE, False),
    ],
)
def test_each_outcome_has_its_fate(outcome: Outcome | None, fate: Fate, replayable: bool) -> None:
    fates, place = Fates(Lineage(version())), Position(0, 3)
    assert fates.of(place) is Fate.WAITING
    fates.planned(over(0, 5))
    assert fates.of(place) is Fate.IN_A_ROUND
    conclude(fates, over(0, 5), outcome)
    assert (fates.of(place), fates.replayable(place)) == (fate, replayable)
    assert fates.of(Position(0, 5)) is Fate.WAITING


def test_a_cool_down_is_counted_in_rounds_with_an_outcome() -> None:
    fates, place = Fates(Lineage(version()), cooldown_rounds=2), Position(0, 0)
    known = []
    for start in (0, 5, 10):
        fates.planned(over(start, start + 5))
        known.append(fates.known(place))
        fates.concluded(over(start, start + 5).round_id, verdict("hold"))
        known.append(fates.known(place))
    assert known == [True, True, True, True, True, False]
    assert not Fates(Lineage(version())).take(CandidateJudged("unknown", None, None, "", 0, 0.0))


def test_without_a_cool_down_it_is_at_once() -> None:
    fates = Fates(Lineage(version()))
    conclude(fates, over(0, 5), None)
    assert not fates.known(Position(0, 0))


def test_an_outcome_that_comes_again_is_no_news() -> None:
    fates = Fates(Lineage(version()))
    conclude(fates, over(0, 5), "hold")
    assert not fates.concluded(over(0, 5).round_id, verdict("promote"))
    assert (fates.judged, fates.of(Position(0, 0))) == (1, Fate.SET_ASIDE)


def test_rounds_of_another_alias_are_passed_over() -> None:
    fates, other = Fates(Lineage(version())), replace(over(0, 5), alias="other")
    assert not fates.take(RoundPlanned(other, other.round_id))
    assert not fates.take(CandidateJudged(other.round_id, None, verdict("hold"), "", 0, 0.0))
    assert fates.of(Position(0, 0)) is Fate.WAITING


def test_a_rollback_sets_aside_what_the_versions_it_leaves_trained_on_first_replay_among_it() -> None:
    """Offsets 0-4: trained by version 1. 5-9: too little evidence, 5 replayed by version 2. 10-14: by version 2.

    Version 2 replays 1 too, which version 1 was trained on before: that stays trained.
    """
    lineage = Lineage(version())
    fates = Fates(lineage, cooldown_rounds=9)
    own = OffsetRange(0, 0, 5)
    conclude(fates, over(0, 5), "promote")
    lineage.apply(lineage.promote(version(1, 0, [own]), 0.0))
    conclude(fates, over(5, 10, parent=1), "not_enough_evidence")
    conclude(fates, over(10, 15, parent=1), "promote")
    consumed = joined([own, OffsetRange(0, 10, 15), OffsetRange(0, 5, 6), OffsetRange(0, 1, 2)])
    lineage.apply(lineage.promote(version(2, 1, consumed), 0.0))
    looked_at = [Position(0, offset) for offset in (1, 4, 5, 6, 12)]
    trained, waiting, aside = Fate.TRAINED, Fate.WAITING, Fate.SET_ASIDE
    assert [fates.of(place) for place in looked_at] == [trained, trained, trained, waiting, trained]
    lineage.apply(lineage.roll_back(1, 0.0))
    assert [fates.of(place) for place in looked_at] == [trained, trained, aside, waiting, aside]
    assert [fates.known(place) for place in looked_at] == [True, True, False, True, False]  # at once
    assert [fates.replayable(place) for place in looked_at] == [True, True, False, True, False]
    lineage.apply(lineage.roll_back(2, 0.0))
    assert [fates.of(place) for place in looked_at] == [trained, trained, trained, waiting, trained]


def test_a_round_that_builds_on_a_version_that_was_left_holds_nothing() -> None:
    lineage = Lineage(version())
    fates = Fates(lineage)
    lineage.apply(lineage.promote(version(1, 0), 0.0))
    fates.planned(over(0, 5, parent=1))
    lineage.apply(lineage.roll_back(0, 0.0))
    assert fates.of(Position(0, 0)) is Fate.WAITING


@pytest.mark.parametrize("outcome", ["promote", "not_enough_evidence"])
def test_what_the_planner_left_out_is_set_aside_whatever_becomes_of_the_round(outcome: Outcome) -> None:
    left, taken = Position(0, 2), Position(0, 3)
    one = replace(over(0, 5), left_out=(LeftOut("s2", "too_old", left),))
    fates = Fates(Lineage(version()), cooldown_rounds=1)
    conclude(fates, one, outcome)
    assert (fates.of(left), fates.known(left), fates.replayable(left)) == (Fate.SET_ASIDE, True, False)
    assert fates.replayable(taken)
    conclude(fates, over(5, 9), "promote")
    assert (fates.known(left), fates.known(taken)) == (False, True)
    assert fates.used_up_to == {0: 9}


def test_picks_of_promoted_rounds_are_counted_once_a_round() -> None:
    fates = Fates(Lineage(version()))
    for start, outcome in ((0, "promote"), (5, "hold"), (10, "promote")):
        conclude(fates, replace(over(start, start + 5), parts={"replay": ("a", "a", f"b{start}")}), outcome)  # type: ignore[arg-type]  # a literal
    assert fates.picks == {"a": 2, "b0": 1, "b10": 1}


def test_the_picks_of_a_round_that_a_rollback_left_do_not_count() -> None:
    lineage = Lineage(version())
    fates = Fates(lineage)
    for number, parts in ((1, ("a", "b")), (2, ("a", "c"))):
        planned = replace(over(5 * number, 5 * number + 5, parent=number - 1), parts={"replay": parts})
        conclude(fates, planned, "promote")
        assert fates.picks["a"] == number  # before its version is announced
        lineage.apply(lineage.promote(replace(version(number, number - 1), round_id=planned.round_id), 0.0))
        assert fates.picks["a"] == number
    lineage.apply(lineage.roll_back(1, 0.0))
    assert fates.picks == {"a": 1, "b": 1}

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ccit.ports.vectors import Neighbour
from ccit.records import Position
from ccit.scoring.index import ExactIndex
from ccit.selection.admitted import AdmittedSamples, Pending
from ccit.vectors import quantise

ROWS = quantise(np.eye(3))


def admitted() -> AdmittedSamples:
    return AdmittedSamples({"sample": ExactIndex(3)})


def similarities(one: AdmittedSamples) -> list[float]:
    """Of each row to its nearest neighbour."""
    return [near[0].similarity for near in one.search(ROWS, 1) if near]


def pending(n: int) -> Pending:
    return Pending(f"s{n}", f"d{n}", {"sample": ROWS[n]})


def test_pending_samples_count_until_they_are_aborted() -> None:
    one = admitted()
    one.stage(pending(0))
    assert "d0" in one
    assert similarities(one) == [1.0, 0.0, 0.0]
    one.abort()
    assert "d0" not in one
    assert similarities(one) == []


def test_a_commit_makes_them_permanent() -> None:
    one = admitted()
    one.stage(pending(0))
    one.stage(pending(1))
    one.commit({"s0": Position(0, 5), "s1": Position(1, 2), "other": Position(0, 9)})
    one.abort()
    assert one.digests() == {Position(0, 5): "d0", Position(1, 2): "d1"}
    assert (len(one), one.pending) == (2, ())


def test_a_commit_without_every_position_changes_nothing() -> None:
    one = admitted()
    one.stage(pending(0))
    one.stage(pending(1))
    with pytest.raises(ValueError, match="'s1'"):
        one.commit({"s0": Position(0, 5)})
    assert len(one.pending) == 2
    assert one.digests() == {}


def test_adding_is_idempotent_by_position() -> None:
    one = admitted()
    for _ in range(2):
        one.add("d0", {"sample": ROWS[0]}, Position(0, 5))
    assert len(one) == 1


def test_a_digest_stays_known_while_one_of_its_places_is_kept() -> None:
    one = admitted()
    one.add("d0", {"sample": ROWS[0]}, Position(0, 5))
    one.add("d0", {"sample": ROWS[0]}, Position(1, 8))
    one.add("d1", {"sample": ROWS[1]}, Position(1, 9))
    one.retain(lambda position: position.partition == 0)
    assert one.digests() == {Position(0, 5): "d0"}
    assert ("d0" in one, "d1" in one, len(one)) == (True, False, 1)
    one.retain(lambda _: False)
    assert "d0" not in one


def test_many_rows_are_added_at_once() -> None:
    one = admitted()
    places = [Position(0, n) for n in range(3)]
    one.add_all(["d0", "d1", "d2"], {"sample": ROWS}, places)
    assert similarities(one) == [1.0, 1.0, 1.0]
    assert list(one.digests()) == places


def test_neighbours_are_found_among_the_committed_and_the_pending() -> None:
    one = admitted()
    one.add("d0", {"sample": ROWS[0]}, Position(0, 5))
    one.stage(Pending("s1", "d1", {"sample": ROWS[0]}))
    one.stage(Pending("s2", "d2", {"sample": ROWS[1]}))
    (found,) = one.search(ROWS[:1], 2)
    assert found == (Neighbour(Position(0, 5), 1.0), Neighbour(None, 1.0))
    assert [len(near) for near in one.search(ROWS, 9)] == [3, 3, 3]


def up_to(offset: int) -> Callable[[Position], bool]:
    return lambda position: position.offset < offset


def test_every_space_holds_the_same_samples_through_a_rollback_and_back() -> None:
    one = AdmittedSamples({"sample": ExactIndex(3), "question": ExactIndex(3)})
    for n in range(3):
        one.add(f"d{n}", {"sample": ROWS[n], "question": ROWS[0]}, Position(0, n))
    for keep in (1, 3, 2):
        one.retain(up_to(keep))
        for space in one.spaces:
            assert sum(len(near) for near in one.search(ROWS[:1], 9, space)) == keep
        positions, digests, vectors = one.rows()
        assert sorted(zip(positions, digests, strict=True), key=lambda row: row[0].offset) == [
            (Position(0, n), f"d{n}") for n in range(3)
        ]
        for position, sample, question in zip(positions, vectors["sample"], vectors["question"], strict=True):
            assert sample.tolist() == ROWS[position.offset].tolist()
            assert question.tolist() == ROWS[0].tolist()


def test_a_space_is_opened_while_nothing_is_known() -> None:
    one = admitted()
    one.open("question", ExactIndex(3))
    one.open("question", ExactIndex(3))
    assert one.spaces == ("sample", "question")
    one.stage(Pending("s0", "d0", {"sample": ROWS[0], "question": ROWS[1]}))
    assert [near[0].similarity for near in one.search(ROWS[1:2], 1, "question")] == [1.0]
    with pytest.raises(ValueError, match="'third'"):
        one.open("third", ExactIndex(3))

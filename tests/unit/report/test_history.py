from dataclasses import FrozenInstanceError

import pytest

from ccit.report.history import AnnouncementRow, History, RoundRow, promotions


def test_rows_are_frozen(run: History) -> None:
    with pytest.raises(FrozenInstanceError):
        run.decisions[0].accepted = True  # type: ignore[misc] # the assignment that must fail


def test_promotions_pair_in_order_even_when_a_topic_was_read_late() -> None:
    rounds = [RoundRow(f"r{i}", at, 1.0, "size", 1, "promote", "", i) for i, at in enumerate((5.1, 9.0))]
    held = RoundRow("held", 7.0, 1.0, "size", 1, "hold", "", 1)
    announcements = [
        AnnouncementRow(5.0, "promoted", 1, 0, 1),
        AnnouncementRow(9.4, "promoted", 2, 1, 2),
        AnnouncementRow(11.0, "rolled_back", 1, 0, 3),
    ]
    found = promotions(History(rounds=[rounds[1], held, rounds[0]], announcements=announcements))
    assert [(a.version, r.round_id if r else None) for a, r in found] == [(1, "r0"), (2, "r1")]

"""What checks of a nearest neighbour share."""

from __future__ import annotations

from ccit.records import Sample
from ccit.selection.checks.near_copies import NearCopiesCheck
from ccit.selection.checks.nearest import against_accepted
from ccit.testing import check_context


def test_where_nothing_was_accepted_each_sample_is_as_far_away_as_can_be() -> None:
    context = check_context()
    check = NearCopiesCheck(NearCopiesCheck.Settings(), context)
    samples = [Sample(f"s{n}", f"r{n}", "ward", "en", "Dose?", f"{n} mg.") for n in range(2)]
    assert against_accepted(check, samples, context) == [check.scored(sample, -1.0) for sample in samples]


def test_of_nothing_there_are_no_scores() -> None:
    context = check_context()
    assert against_accepted(NearCopiesCheck(NearCopiesCheck.Settings(), context), [], context) == []

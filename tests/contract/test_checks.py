"""What every registered Check must do, beside what a Scorer must (`test_scorers.py`)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin, plugins
from ccit.ports.selection import (
    Check,
    CheckContext,
    DerivedCheck,
    EvidenceCheck,
    NeighbourCheck,
    QuarantineCheck,
    Reasons,
    Refuses,
)
from ccit.ports.vectors import Neighbours
from ccit.records import Sample, Score
from ccit.scoring.spaces import SPACES
from ccit.selection.reasons import OWN, UNSCORED
from ccit.testing import check_context
from tests.accepted import after
from tests.contract.registered import each, made

SAMPLE = Sample("s", "r", "ward", "en", "abc?", "Abc. Cab.")
values = st.floats(-1, 30_000, allow_nan=False)


def check_of(entry: Plugin, neighbours: Neighbours | None = None) -> Check:
    context: CheckContext = check_context()
    found: Check = made(entry, context if neighbours is None else replace(context, neighbours=neighbours))
    return found


def score_of(check: Check, value: float | None) -> Score:
    return Score(check.metric, value, "test", "" if value is not None else "the device is gone")


@each("check")
@given(value=st.none() | values, other=st.none() | values)
def test_refusing_is_pure(entry: Plugin, value: float | None, other: float | None) -> None:
    """Neither time nor what it was asked before moves it."""
    check = check_of(entry)
    first = check.refuse(score_of(check, value))
    check.refuse(score_of(check, other))
    assert check.refuse(score_of(check, value)) == first == check_of(entry).refuse(score_of(check, value))


@each("check")
@given(value=values)
def test_a_reason_is_one_that_it_declares_with_words(entry: Plugin, value: float) -> None:
    check = check_of(entry)
    reasons: Reasons = check.reasons
    assert check.refuse(score_of(check, value)) in {None, UNSCORED, *reasons}
    assert all(label and meaning for label, meaning in reasons.values())
    assert not set(reasons) & set(OWN)


@each("check")
def test_a_value_that_is_missing_is_refused_and_never_taken_for_a_number(entry: Plugin) -> None:
    check = check_of(entry)
    said = check.refuse(score_of(check, None))
    assert said == UNSCORED, "`refuse` returns UNSCORED of ccit.selection.reasons where the value is None"


@each("check")
@given(value=values, step=st.floats(0, 1000))
def test_refusing_is_monotone_where_the_check_says_so(entry: Plugin, value: float, step: float) -> None:
    check = check_of(entry)
    refuses: Refuses = check.refuses
    said = check.refuse(score_of(check, value))
    if refuses == "low" and said is not None:
        assert check.refuse(score_of(check, value - step)) == said
    if refuses == "high" and said is not None:
        assert check.refuse(score_of(check, value + step)) == said


@each("check")
@given(bounds=st.tuples(values, values, values).map(sorted))
def test_what_lies_between_two_values_that_pass_passes(entry: Plugin, bounds: list[float]) -> None:
    check = check_of(entry)
    low, between, high = (check.refuse(score_of(check, value)) for value in bounds)
    if check.refuses and low is None and high is None:
        assert between is None


@each("check")
def test_a_check_that_compares_with_neighbours_refuses_low_and_its_score_falls(entry: Plugin) -> None:
    """Which is what admits batches in waves."""
    check = check_of(entry)
    if isinstance(check, NeighbourCheck):
        assert check.refuses == "low"
        found = [score.value for s in (-1.0, 0.0, 0.5, 0.9, 1.0) for score in check.scored(SAMPLE, s)]
        assert found == sorted((value for value in found if value is not None), reverse=True)


@each("check")
def test_its_cost_and_its_metric_are_known_before_it_is_made(entry: Plugin) -> None:
    """So that what no policy needs is not made: it may load a model."""
    check = check_of(entry)
    assert entry.cls.metric == check.metric  # type: ignore[attr-defined]  # what is tested
    assert entry.cls.cost == check.cost >= 0.0  # type: ignore[attr-defined]  # what is tested


@each("check")
def test_a_check_that_judges_by_what_was_accepted_names_spaces_that_there_are(entry: Plugin) -> None:
    check = check_of(entry)
    if isinstance(check, EvidenceCheck):
        assert check.spaces
        assert set(check.spaces) <= set(SPACES)


@each("check")
def test_a_check_that_combines_others_has_no_number_without_them(entry: Plugin) -> None:
    """A text alone says nothing to it, and what could not be measured is not guessed."""
    check = check_of(entry)
    if isinstance(check, DerivedCheck):
        missing = [Score(found.metric, None, "t", unscored="gone") for found in plugins("check").values()]
        for scores in (check.derived(()), check.derived(missing), *check.score([SAMPLE])):
            assert [score.value for score in scores] == [None]
        assert check.cost > max(found.cls.cost for found in plugins("check").values() if found is not entry)  # type: ignore[attr-defined]  # every check has one


@each("check")
@given(value=st.none() | values, truncated=st.integers(0, 9))
def test_a_cause_of_quarantine_is_one_that_it_explains_and_only_for_what_it_refuses(
    entry: Plugin, value: float | None, truncated: int
) -> None:
    check = check_of(entry)
    if isinstance(check, QuarantineCheck):
        score = replace(score_of(check, value), truncated=truncated)
        cause = check.cause(SAMPLE, score)
        assert all(check.causes.values())
        assert cause in {"", *check.causes}
        assert not cause or check.refuse(score) not in (None, UNSCORED)


def test_each_metric_has_one_check() -> None:
    metrics = [vars(found.cls)["metric"] for found in plugins("check").values()]
    assert len(metrics) == len(set(metrics))


@pytest.mark.parametrize("count", [0, 3])
def test_equal_neighbours_give_equal_scores(count: int) -> None:
    context = after([replace(SAMPLE, response="abc" * (n + 1)) for n in range(count)])
    samples = [SAMPLE]
    for entry in plugins("check").values():
        assert check_of(entry, context.neighbours).score(samples) == check_of(entry, context.neighbours).score(samples)

"""Tokens an hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.generation.budget import HOUR_S, TokenBudget


def test_no_limit_waits_for_nothing() -> None:
    budget = TokenBudget(0)
    budget.settle(0, 10**9, 0.0)
    assert budget.wait_s(10**9, 0.0) == 0.0


def test_what_is_in_flight_counts_and_what_failed_does_not() -> None:
    budget = TokenBudget(100)
    budget.set_aside(80)
    assert budget.wait_s(30, 0.0) == float("inf")
    budget.settle(80, 0, 0.0)
    assert budget.wait_s(30, 0.0) == 0.0


def test_one_that_is_larger_than_the_limit_has_an_hour_of_its_own() -> None:
    budget = TokenBudget(100, [(0.0, 1)])
    assert budget.wait_s(500, 1.0) == HOUR_S - 1.0
    assert budget.wait_s(500, HOUR_S) == 0.0


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 600), st.integers(0, 60)), max_size=40))
def test_in_no_hour_more_is_spent(asked: list[tuple[int, int, int]]) -> None:
    """Requests of (tokens at most, seconds after the last one, tokens unused); each waits as it is told."""
    most, now, spent = 100, 0.0, list[tuple[float, int]]()
    budget = TokenBudget(most)
    for wanted, later, unused in asked:
        now += later
        now += budget.wait_s(wanted, now)
        budget.set_aside(wanted)
        took = max(wanted - unused, 0)
        budget.settle(wanted, took, now)
        spent.append((now, took))
    for start, _ in spent:
        assert sum(tokens for at, tokens in spent if start <= at < start + HOUR_S) <= most

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.drift.change_point import change_point


@given(before=st.integers(5, 60), after=st.integers(5, 60), step=st.sampled_from([-2.0, 0.5, 3.0]))
def test_a_clear_step_is_found_where_it_is(before: int, after: int, step: float) -> None:
    assert change_point([1.0] * before + [1.0 + step] * after) == before


@given(values=st.lists(st.floats(-10, 10), min_size=10, max_size=60))
def test_each_side_has_its_least(values: list[float]) -> None:
    assert 5 <= change_point(values) <= len(values) - 5


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10 values, found 9"):
        change_point([0.0] * 9)

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.report.histogram import Histogram, separation
from ccit.report.svg import Scale

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12).map(np.array)


@given(scores, scores)
def test_separation_is_the_share_of_pairs_in_the_right_order(clean: np.ndarray, wrong: np.ndarray) -> None:
    pairs = [(w > c) + 0.5 * (w == c) for c in clean for w in wrong]
    assert separation(clean, wrong) == np.float64(sum(pairs) / len(pairs)).round(12) or np.isclose(
        separation(clean, wrong) or 0.0, sum(pairs) / len(pairs)
    )


@given(scores, scores)
def test_separation_turns_round_with_its_arguments(clean: np.ndarray, wrong: np.ndarray) -> None:
    there, back = separation(clean, wrong), separation(wrong, clean)
    assert there is not None
    assert back is not None
    assert abs(there + back - 1) < 1e-9


def test_separation_of_nothing_is_unknown() -> None:
    assert separation(np.array([]), np.array([1.0])) is None


def test_bars_have_the_heights_of_their_shares_and_stand_on_the_line() -> None:
    values = np.array([0.1, 0.1, 0.1, 0.9])
    bars = Histogram.of("IFD", Scale(0, 1, 0, 440), [values])
    for height, tops in ((60, {40.0, 80.0}), (-60, {100.0})):
        drawn = str(bars.side(values, 100, height, "Clean", "k-clean"))
        boxes = re.findall(r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)
        assert [float(size) for _, size in boxes] == [60.0, 20.0]
        assert {float(top) for top, _ in boxes} == tops
        assert "Clean: median IFD 0.10, 4 records" in drawn


def test_what_lies_beyond_the_axis_is_in_its_last_bar() -> None:
    bars = Histogram.of("IFD", Scale(0, 1, 0, 440), [np.array([5.0, 0.99])])
    assert bars.peak == pytest.approx(1.0)


def test_a_sample_of_nothing_is_not_drawn() -> None:
    bars = Histogram.of("IFD", Scale(0, 1, 0, 440), [np.array([0.5]), np.array([])])
    assert bars.side(np.array([]), 100, 60, "Clean", "k-clean") == ""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.scoring.repetition import repetition


@pytest.mark.parametrize("times", [2, 3, 8])
def test_the_same_again_and_again_tends_to_one(times: int) -> None:
    said = repetition("Rest for at least two whole weeks. " * times, 3)
    assert said is not None
    assert 0.8 * (1 - 1 / times) < said <= 1 - 1 / times


def test_ideographs_are_words() -> None:
    assert repetition("多喝水，多喝水，多喝水。", 3) == pytest.approx(4 / 7)
    assert repetition("多喝水。注意休息。", 3) == 0.0


def test_less_than_an_n_gram_says_nothing() -> None:
    assert repetition("Rest well.", 3) is None


@given(st.text("abc 多.", max_size=40), st.integers(1, 5))
def test_it_is_a_share(text: str, n: int) -> None:
    said = repetition(text, n)
    assert said is None or 0.0 <= said < 1.0

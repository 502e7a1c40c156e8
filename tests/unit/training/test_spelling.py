from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.training.spelling import cosine, shares, total_variation

texts = st.lists(st.text(max_size=12), max_size=4)


@given(first=texts, second=texts)
def test_both_are_symmetric_and_between_0_and_1(first: list[str], second: list[str]) -> None:
    one, other = shares(first), shares(second)
    for measure in (cosine, total_variation):
        assert measure(one, other) == pytest.approx(measure(other, one))
        assert -1e-9 <= measure(one, other) <= 1 + 1e-9


@given(text=st.text(min_size=1, max_size=20))
def test_a_text_is_itself(text: str) -> None:
    assert cosine(shares([text]), shares([text])) == pytest.approx(1.0)
    assert total_variation(shares([text]), shares([text])) == 0.0


def test_by_hand() -> None:
    """`abcd` is abc and bcd, `abce` is abc and bce: half of it must be moved; case does not count."""
    assert total_variation(shares(["ABCD"]), shares(["abce"])) == pytest.approx(0.5)
    assert cosine(shares(["abcd"]), shares(["abce"])) == pytest.approx(0.5)
    assert shares(["ab"]) == {"ab": 1.0}
    assert shares([]) == {}

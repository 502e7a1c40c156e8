from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.scoring.wording import signatures

SAID = "Rest for a while and drink a lot of water. Come back to the ward as soon as the fever rises again."


def similarity(first: str, second: str) -> float:
    rows = signatures([first, second])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize("changed", ["a lto of", "a lot off", "plenty of"])
def test_a_few_other_letters_are_a_near_copy(changed: str) -> None:
    assert similarity(SAID, SAID.replace("a lot of", changed)) > 0.75


@pytest.mark.parametrize("changed", ["4 lots of", "no lot of", "a left lot of"])
def test_a_number_a_negation_or_a_side_makes_another_text(changed: str) -> None:
    assert similarity(SAID, SAID.replace("a lot of", changed)) < 0.35


def test_the_cosine_estimates_the_share_of_shingles_in_common() -> None:
    first, second = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"
    sets = [{text[n : n + 5] for n in range(len(text) - 4)} for text in (first, second)]
    exact = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert similarity(first, second) == pytest.approx(exact, abs=0.12)  # three standard errors


@given(st.lists(st.text(max_size=30), max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_row_has_length_one_at_half_precision_whatever_is_beside_it(texts: list[str]) -> None:
    rows = signatures(texts)
    assert rows.shape == (len(texts), 256)
    assert np.array_equal(rows, rows.astype(np.float16).astype(np.float32))
    for row, text in zip(rows, texts, strict=True):
        assert float(row @ row) == 1.0
        assert np.array_equal(row, signatures([text])[0])

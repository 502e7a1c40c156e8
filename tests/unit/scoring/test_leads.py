from __future__ import annotations

import numpy as np

from ccit.scoring.leads import DIMENSION, leads
from ccit.vectors import cosines


def test_another_drug_in_the_same_words_is_farther_than_the_same_drug_in_others() -> None:
    rows = leads(
        ["In it the drug is velotrin. Rest.", "Begin with velotrin. Drink.", "In it the drug is oxamire. Rest."]
    )
    near = cosines(rows, rows)
    assert near[0, 1] > near[0, 2]


def test_only_the_first_sentence_counts() -> None:
    first, second = leads(["Give velotrin. Rest well.", "Give velotrin. Drink enough water."])
    assert np.array_equal(first, second)


def test_numbers_and_ideographs_count() -> None:
    rows = leads(["The dose is 5 mg.", "The dose is 9 mg.", "多喝水。", "多休息。"])
    near = cosines(rows, rows)
    assert near[0, 1] < 0.5
    assert 0.1 < near[2, 3] < 0.7


def test_a_text_without_a_word_has_no_direction() -> None:
    assert not leads(["", "..."]).any()
    assert leads([]).shape == (0, DIMENSION)

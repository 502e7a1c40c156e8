from __future__ import annotations

import numpy as np
import pytest

from ccit.scoring.claims import bound, claims
from ccit.vectors import cosines, quantise


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The maximum dose is 4 g.", "The maximum dose is 3 g."),
        ("The maximum dose is 4 g.", "The maximum dose is 4 mg."),
        ("Take four tablets.", "Take five tablets."),
        ("The right knee hurts.", "The left knee hurts."),
        ("Left knee, right hip.", "Right knee, left hip."),
        ("He smokes.", "He does not smoke."),
        ("It doesn't hurt.", "It does hurt."),
        ("Stop amoxicillin.", "Stop doxycycline."),
        ("We start with velotrin in every case.", "We start with oxamire in every case."),
        ("velotrin 5 mg at noon", "oxamire 5 mg at noon"),
        ("左膝疼痛。", "右膝疼痛。"),
        ("没有发烧。", "有发烧。"),
    ],
)
def test_another_number_side_negation_or_drug_is_another_claim(first: str, second: str) -> None:
    assert claims(first) != claims(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The maximum dose is 4 g.", "The maximum dose was 4g!"),
        ("The left knee hurts.", "The lfet knee hurts."),
        ("Give amoxicillin today.", "Give amoxiclilin today."),
        ("A tablet helps.", "One tablet helps."),
        ("Then rest.", "And then rest."),
    ],
)
def test_a_slip_of_the_pen_is_none(first: str, second: str) -> None:
    assert claims(first) == claims(second)


def test_binding_keeps_the_cosine_of_equal_claims_bit_for_bit_and_takes_it_from_others() -> None:
    rows = quantise(np.random.default_rng(0).normal(size=(2, 384)) + 1.0)
    same, other = ["At most 4 g.", "No more than 4 g."], ["At most 4 g.", "At most 3 g."]
    assert claims(same[0]) != claims(same[1])
    same[1] = "At the most 4 g."
    assert cosines(*np.split(bound(rows, same), 2)) == cosines(*np.split(rows, 2))
    assert abs(float(cosines(*np.split(bound(rows, other), 2))[0, 0])) < 0.3 < float(rows[0] @ rows[1])
    assert np.array_equal(np.abs(bound(rows, other)), np.abs(rows))
    assert np.array_equal(bound(rows, ["Rest.", "Drink."]), rows)

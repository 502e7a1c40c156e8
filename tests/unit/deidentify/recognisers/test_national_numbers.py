from __future__ import annotations

import pytest

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "460-89-9847, SSN 460899847, 943 476 5919, QQ123456C no, AB 12 34 56 C, 11010519491231002X, 1 51 02 "
    "46 102 043 25, 943 476 5918"
)
FOUND = ["460-89-9847", "460899847", "943 476 5919", "AB 12 34 56 C", "11010519491231002X", "1 51 02 46 102 043 25"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["national_numbers"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)


@pytest.mark.parametrize("number", ["123-45-6789", "123 45 6789", "123456789", "6789"])
@pytest.mark.parametrize("label", ["SSN-", "ssn - "])
def test_a_dash_behind_the_label_hides_no_social_security_number(label: str, number: str) -> None:
    text = label + number
    found = {text[span.start : span.end] for span in recognisers()["national_numbers"].find(Page(text))}
    assert number in found

from __future__ import annotations

import pytest

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "Phone: 60-56-85-91, fax 467 3395, +46 (0)8 928 571 38, (212) 555-0123 x4, 555-0199, 01.84.17.61.18, "
    "13812345678. BP 120/80, 98 72 18, Na 138 4.1 102"
)
FOUND = [
    "60-56-85-91",
    "467 3395",
    "+46 (0)8 928 571 38",
    "(212) 555-0123 x4",
    "555-0199",
    "01.84.17.61.18",
    "13812345678",
]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["phones"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)


@pytest.mark.parametrize("text", ["PHONE-555 123 4567", "Tel-030/1234567", "Phone - 555-1234", "fax -467 3395"])
def test_a_dash_behind_the_word_that_announces_a_number_hides_none(text: str) -> None:
    found = {text[span.start : span.end] for span in recognisers()["phones"].find(Page(text))}
    assert text[next(at for at, character in enumerate(text) if character.isdigit()) :] in found

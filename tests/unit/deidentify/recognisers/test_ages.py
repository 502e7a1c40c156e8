from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "A 103 y/o man, age: 91, ninety-two years old; aged 61; BP 95/60, 95%; 93岁; 94Y, 96 years; "
    "a Nonagenarian in her late 90s, a centenarian; sats in the 90s"
)
FOUND = ["103", "91", "ninety-two", "93", "94", "96", "Nonagenarian", "90s", "centenarian"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["ages"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

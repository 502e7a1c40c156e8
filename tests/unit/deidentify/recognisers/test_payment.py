from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = "4111-1111-1111-1111, DE89 3704 0044 0532 0130 00, 4111-1111-1111-1112, FR1420041010050500013M02606"
FOUND = ["4111-1111-1111-1111", "DE89 3704 0044 0532 0130 00", "FR1420041010050500013M02606"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["payment"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

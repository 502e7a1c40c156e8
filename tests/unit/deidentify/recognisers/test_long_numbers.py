from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = "2590157853, ACC1234567, 250000, 1250000 copies/mL, 1234567.5"
FOUND = ["2590157853", "ACC1234567"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["long_numbers"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

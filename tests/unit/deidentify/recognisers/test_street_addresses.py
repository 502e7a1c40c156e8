from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "Lives at 633 Abernathy Landing, zip 66801-1234, SW1A 1AA, 12 rue de la Paix, Hauptstraße 12, PO Box "
    "12, 北京市朝阳区建国路88号. Transferred from Emporia Springs. 5 out of 10"
)
FOUND = [
    "633 Abernathy Landing",
    "66801-1234",
    "SW1A 1AA",
    "12 rue de la Paix",
    "Hauptstraße 12",
    "PO Box 12",
    "北京市朝阳区建国路88号",
    "Emporia Springs",
]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["street_addresses"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

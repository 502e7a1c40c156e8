from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "MRN 00-4711, policy no. AX-12345, acct #9988776, license: S99940903, VIN 1HGCM82633A004352, serial "
    "number SN-4455, M-AB 1234, 京A12345, room 5; plan to discharge, order CBC, case 2"
)
FOUND = ["00-4711", "AX-12345", "9988776", "S99940903", "1HGCM82633A004352", "SN-4455", "M-AB 1234", "京A12345"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["labelled_numbers"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

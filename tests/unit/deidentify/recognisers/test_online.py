from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "to j.d+x@mail.example.org, http://a.example.org/x?y=1, www.example.de, 10.0.0.7, "
    "6e40:4041:c617:e898:c11:40d2:c669:2eb4, 00:1B:44:11:3A:B7; b.i.d., ratio 1:2:3"
)
FOUND = [
    "j.d+x@mail.example.org",
    "http://a.example.org/x?y=1",
    "www.example.de",
    "10.0.0.7",
    "6e40:4041:c617:e898:c11:40d2:c669:2eb4",
    "00:1B:44:11:3A:B7",
]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["online"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

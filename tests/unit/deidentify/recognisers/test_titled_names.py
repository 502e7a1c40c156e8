from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "Dr. Ann van der Berg; his wife Zoe Li; K. Roe, MD; Kim Poe, PAC; Patient name: leone mazzi; Herr Müller; 王医生; "
    "discussed with Cardiology, Dr. will see; seen by Jo Ray"
)
FOUND = ["Ann van der Berg", "Zoe Li", "K. Roe", "Kim Poe", "leone mazzi", "Müller", "王", "Jo Ray"]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["titled_names"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

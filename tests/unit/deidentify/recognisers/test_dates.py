from __future__ import annotations

from ccit.ports.deidentify import Page
from ccit.testing import recognisers

TEXT = (
    "Seen 2019-03-14T10:00:00Z, 14.03.2019, March 14th, 2019, 14-MAR-2019, 20190314101500, in April, on "
    "3/14, 2019年3月14日, le 1er mars 2019, Tuesday. Grade 2/6, 5/5, 120/80, may help, 2012"
)
FOUND = [
    "2019-03-14T10:00:00Z",
    "14.03.2019",
    "March 14th, 2019",
    "14-MAR-2019",
    "20190314101500",
    "April",
    "3/14",
    "2019年3月14日",
    "1er mars 2019",
    "Tuesday",
]


def test_what_is_found_and_what_is_kept() -> None:
    spans = recognisers()["dates"].find(Page(TEXT))
    found = {TEXT[span.start : span.end] for span in spans}
    outermost = {text for text in found if not any(text != other and text in other for other in found)}
    assert outermost == set(FOUND)

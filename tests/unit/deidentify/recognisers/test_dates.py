from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("dob-02/14/1962", ["02/14/1962"]),
        ("seen -3/14/2019", ["3/14/2019"]),
        ("3/10/2019-3/14/2019", ["3/10/2019", "3/14/2019"]),
        ("3/10/19-3/14/19", ["3/10/19", "3/14/19"]),
        ("10.3.2019-14.3.2019", ["10.3.2019", "14.3.2019"]),
        ("onset-3/2019, dob-1962-02", ["1962-02", "3/2019"]),
        ("1-800-555-12-34, 20-3-14-20, 5-5-5-5, motor -5/5, 3-4/5, 2.3-4.5", []),
    ],
)
def test_a_dash_before_or_behind_a_date_hides_none(text: str, dates: list[str]) -> None:
    found = {text[span.start : span.end] for span in recognisers()["dates"].find(Page(text))}
    assert sorted(found) == sorted(dates)

from __future__ import annotations

from datetime import date

import pytest

from ccit.deidentify.written_dates import FULL, PARTIAL, WrittenDate, full_year, read_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2018-05-16T14:45:24+01:00", date(2018, 5, 16)),
        ("2018/5/16", date(2018, 5, 16)),
        ("20180516144524", date(2018, 5, 16)),
        ("5/16/2018", date(2018, 5, 16)),
        ("16/5/2018", date(2018, 5, 16)),
        ("16.05.18", date(2018, 5, 16)),
        ("5.6.2018", date(2018, 6, 5)),
        ("March 14th, 2019", date(2019, 3, 14)),
        ("14 mar 2019", date(2019, 3, 14)),
        ("14-MAR-2019", date(2019, 3, 14)),
        ("14. März 2019", date(2019, 3, 14)),
        ("1er février 2019", date(2019, 2, 1)),
        ("2018年5月16日", date(2018, 5, 16)),
        ("\N{LATIN SMALL LETTER LONG S}ept 4, 2019", date(2019, 9, 4)),
        ("4 Apr\N{LATIN SMALL LETTER DOTLESS I}l 2019", date(2019, 4, 4)),
        ("1/2/50", date(1950, 1, 2)),
        ("1/2/49", date(2049, 1, 2)),
    ],
)
def test_a_whole_day_is_read_in_each_form(text: str, day: date) -> None:
    assert read_date(text) == WrittenDate(day.year, day)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("March 2019", 2019),
        ("5/2019", 2019),
        ("2019-05", 2019),
        ("31.02.2019", 2019),
        ("14 March", None),
        ("5月16日", None),
        ("Tuesday", None),
        ("", None),
    ],
)
def test_what_is_no_whole_day_has_the_year_that_it_says(text: str, year: int | None) -> None:
    assert read_date(text) == WrittenDate(year, None)


def test_where_both_orders_are_days_the_setting_says_which() -> None:
    assert read_date("4/5/2019").day == date(2019, 4, 5)
    assert read_date("4/5/2019", day_first=True).day == date(2019, 5, 4)
    assert read_date("4/15/2019", day_first=True).day == date(2019, 4, 15)


def test_two_digits_are_of_1950_to_2049() -> None:
    assert [full_year(digits) for digits in ("50", "99", "00", "49", "1931")] == [1950, 1999, 2000, 2049, 1931]


@pytest.mark.parametrize(
    "text",
    ["120/80", "5/5", "1.5", "3/10 pain", "version 10.2.2018.4", "1-2-3", "0.05/2019/7", "12345678901", "may be"],
)
def test_measurements_and_words_are_no_dates(text: str) -> None:
    assert [found[0] for pattern in (*FULL, *PARTIAL) for found in pattern.finditer(text)] == []


@pytest.mark.parametrize(
    ("text", "it"), [("since May", "May"), ("due on 4/2", "4/2"), ("seit März", "März"), ("until 16.5.", "16.5.")]
)
def test_a_part_of_a_date_needs_a_word_before_it(text: str, it: str) -> None:
    assert [found["it"] for pattern in PARTIAL if "it" in pattern.groupindex for found in pattern.finditer(text)] == [
        it
    ]
    assert not any(pattern.search(it) for pattern in PARTIAL)

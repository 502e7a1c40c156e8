"""Safe Harbor's classes, and shifted dates."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from ccit.clinical import Name, Person
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.errors import ConfigError
from ccit.ports.deidentify import Known

KEY = b"k" * 32


def test_dates_become_years_unless_they_tell_an_age_over_89() -> None:
    page = SafeHarbor().page(Known(year=2019), "")
    dates = {"3/14/19": "[2019]", "May 2017": "[2017]", "May 5": "[DATE]", "5/21/1927": "[DATE]", "1930": "[DATE]"}
    assert {text: page.replacement("date", text) for text in dates} == dates


def test_one_person_has_one_number_and_the_record_knows_who_is_one() -> None:
    known = Known(people=(Person("patient", names=(Name("Roe", ("Ann",)),)),))
    page = SafeHarbor().page(known, "")
    names = ("Li Wei", "ROE", "Ann", "Wei", "Dr. Roe")
    assert [page.replacement("name", name) for name in names] == [
        "[NAME-1]",
        "[NAME-2]",
        "[NAME-2]",
        "[NAME-1]",
        "[NAME-2]",
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2019-03-14", "%Y-%m-%d"),
        ("03/14/2019", "%m/%d/%Y"),
        ("14.03.2019", "%d.%m.%Y"),
        ("March 14, 2019", "%B %d, %Y"),
        ("14 March 2019", "%d %B %Y"),
        ("14-MAR-2019", "%d-%b-%Y"),
        ("20190314", "%Y%m%d"),
        ("2019年03月14日", "%Y年%m月%d日"),
    ],
)
def test_shifted_days_keep_their_form_and_their_distance(text: str, form: str) -> None:
    page = Shifted(KEY).page(Known(), "p-17")
    moved = datetime.strptime(page.replacement("date", text), form).date()
    reference = date.fromisoformat(page.replacement("date", "2019-03-16"))
    assert (reference - moved).days == 2
    assert 1 <= abs((moved - date(2019, 3, 14)).days) <= 365


def test_offsets_and_pseudonyms_follow_from_key_and_patient_alone() -> None:
    def written(key: bytes, subject: str) -> tuple[str, str]:
        page = Shifted(key).page(Known(), subject)
        return page.replacement("date", "2019-03-14"), page.replacement("record", "4711")

    assert written(KEY, "p-17") == written(KEY, "p-17")
    assert written(KEY, "p-17")[0] != written(KEY, "p-18")[0]
    assert written(KEY, "p-17")[1] == written(KEY, "p-18")[1] != written(b"K" * 32, "p-17")[1]
    assert Shifted(KEY).page(Known(), "").replacement("date", "2019-03-14") == "[DATE]"


def test_what_is_no_whole_day_is_masked() -> None:
    page = Shifted(KEY).page(Known(), "p")
    assert {page.replacement("date", text) for text in ("May 2019", "May 5", "Tuesday", "31.02.2019")} == {"[DATE]"}


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 32 bytes"):
        Shifted(b"short")

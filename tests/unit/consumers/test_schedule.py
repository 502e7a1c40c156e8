from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ccit.config import Rounds
from ccit.errors import ConfigError
from consumers.schedule import Schedule, nightly_trigger


def test_without_a_nightly_round_nothing_is_ever_due() -> None:
    schedule = Schedule(Rounds(nightly=""))
    schedule.start()
    try:
        assert schedule.due() is None
    finally:
        schedule.stop()


def test_the_night_sets_one_flag_that_is_read_once() -> None:
    schedule = Schedule(Rounds(nightly="0 2 * * *"))
    schedule.start()
    try:
        (job,) = schedule._scheduler.get_jobs()
        following = job.trigger.get_next_fire_time(None, datetime(2026, 1, 1, 12, tzinfo=UTC))
        assert (following.hour, following.minute) == (2, 0)
        job.func(*job.args)  # what APScheduler does at that time
        due = schedule.due()
        assert due is not None
        assert (due.trigger, due.detail) == ("nightly", "0 2 * * *")
        assert schedule.due() is None
    finally:
        schedule.stop()


def test_stopping_one_that_never_ran_is_no_error() -> None:
    Schedule(Rounds()).stop()


@pytest.mark.parametrize("cron", ["0 2 * * *", "*/5 0-6 1,15 jan-mar mon-fri", "0 2 * * 0"])
def test_a_cron_expression_is_taken(cron: str) -> None:
    assert nightly_trigger(cron).get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    "expression", ["at two", "0 25 * * *", "* * * * noon", "30-10 2 * * *", "0 2 * foo *", "0 2 * * 5-1"]
)
def test_what_is_no_cron_expression_is_named(expression: str) -> None:
    with pytest.raises(ConfigError, match=r"rounds\.nightly should be a cron expression"):
        Schedule(Rounds(nightly=expression))

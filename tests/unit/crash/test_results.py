"""A long run that left out a kind of trouble is no proof."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, replace

import pytest

from tests.crash.laws import Breaches
from tests.crash.points import POINTS
from tests.crash.results import LONG, Result, _kafka
from tests.crash.storm import Tally

SOUND = Breaches(**{field.name: 0 for field in fields(Breaches)})


def result() -> Result:
    """A long run in which everything came once."""
    kills = Counter({(role, point): 1 for role in ("ingest", "score", "train") for point in POINTS[role]})
    tally = Tally(kills=kills, added=1, removed=1, fenced=1, commands=1)
    summary = {"records that the feed wrote twice": 0}
    return Result(1000, LONG, 0, tally, Counter(stopped=1, killed=1), SOUND, summary, 60.0)


def test_a_run_that_did_everything_is_whole() -> None:
    assert (result().undone, result().broken) == ([], 0)
    assert "lost=0 twice=0" in result().line()
    assert "undone=0" in result().line()


def test_a_point_where_nobody_died_is_undone() -> None:
    one = result()
    del one.tally.kills["train", "train.judged"]
    assert one.undone == ["train killed at train.judged"]
    assert one.broken == 1


@pytest.mark.parametrize("name", ["added", "removed", "fenced", "commands"])
def test_what_never_came_is_undone(name: str) -> None:
    one = result()
    setattr(one.tally, name, 0)
    assert len(one.undone) == 1


@pytest.mark.parametrize("manner", ["stopped", "killed"])
def test_brokers_go_down_both_ways(manner: str) -> None:
    assert replace(result(), bounces=Counter({manner: 3})).broken == 1


def test_a_short_run_promises_less() -> None:
    assert replace(result(), kills=LONG - 1, bounces=Counter()).broken == 0


def test_the_page_names_the_version_of_kafka_that_ran() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", _kafka())

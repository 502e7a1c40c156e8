"""The page: whole, without anything fetched, with every arm and figure, and what failed told."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from ccit.experiment.metrics import Interval, by_arm
from ccit.experiment.report import render_experiment, written
from tests.unit.experiment.test_metrics import MATRIX, line

WORSE = [[value / 2 for value in row] for row in MATRIX]
LINES = [line(0), line(1), line(0, "all", WORSE), line(1, "all", [[0.1] * 3, *WORSE[1:]])]


class _Balanced(HTMLParser):
    """Every element that is opened is closed, but for those that have no end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> str:
    return render_experiment("policies", LINES)


def test_the_page_is_whole_and_fetches_nothing(page: str) -> None:
    parser = _Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"https?://|src=|<script|@import", page)


@pytest.mark.parametrize(
    "anchor",
    ["table", "average", "backward", "forward", "forgetting", "general_lost", "matrix", "untrained", "costs"],
)
def test_every_figure_is_there(page: str, anchor: str) -> None:
    assert f'<section id="{anchor}">' in page


def test_the_numbers_are_those_of_the_metrics(page: str) -> None:
    assert "2 cells" not in page
    assert "4 cells: 2 arms on 2 seeds." in page
    assert "30.0 \u00b1 0.0" in page  # forgetting of the lot, by hand in test_metrics.py
    assert "Best on average is lot with 63.3 %; all forgot least (15.0 points)." in page
    assert "\u221231.7 (\u221231.7 to \u221231.7)" in page or "-31.7 (-31.7 to -31.7)" in page


def test_what_failed_is_told_and_text_is_escaped() -> None:
    page = render_experiment("<b>", [line(0), line(0, "<i>", failed="it diverged")])
    assert "policy &lt;i&gt;, seed 0: it diverged" in page
    assert "<i>," not in page
    assert len(by_arm([line(0), line(0, "x", failed="y")])) == 1


def test_nothing_finished_is_a_page_without_figures() -> None:
    assert "<section" not in render_experiment("none", [])
    assert "<section" not in render_experiment("none", [line(failed="it diverged")])


def test_one_seed_has_no_interval() -> None:
    nan = float("nan")
    assert written(Interval(5.0, nan, nan), "average") == "5.0"
    assert written(Interval(nan, nan, nan), "average") == "not measured"
    assert "one seed" in render_experiment("one", [line(0)])


def test_a_single_period_has_no_figure_of_transfer() -> None:
    page = render_experiment("one", [line(0, matrix=[[0.1], [0.8]]), line(1, matrix=[[0.1], [0.9]])])
    assert '<section id="average">' in page
    assert '<section id="forgetting">' not in page

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.records import Estimate
from ccit.report.history import AnnouncementRow, Bounds, DeadLetterRow, DecisionRow, History, RoundRow, ServingRow
from ccit.report.render import render_report

VOID = {"meta", "br", "link", "img", "input", "hr"}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}&amp;\x00\x1b\ud800"


class Page(HTMLParser):
    """Checks that tags close in order, and keeps what a test asks about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_a_full_run_renders_as_one_sound_page(run: History, told: dict[str, Any]) -> None:
    html = render_report(told, run)
    page = Page(html)
    html.encode("utf-8")
    assert page.tags.count("section") == 8
    assert page.tags.count("script") == 1
    assert "nan" not in re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.S).lower().split()
    assert len(html) < 1_500_000


def test_nothing_is_fetched_from_anywhere(run: History, told: dict[str, Any]) -> None:
    html = render_report(told, run)
    page = Page(html)
    links = [v for k, v in page.attributes if k in ("href", "src", "xlink:href", "srcset", "action")]
    assert links
    assert all(v is not None and v.startswith("#") for v in links)
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []


def test_the_key_figures_stand_on_the_page(run: History, told: dict[str, Any]) -> None:
    text = Page(render_report(told, run)).text
    for words in (
        "Seed 7",
        "2 min 30 s",
        "620 ms",
        "42.6 %",
        "v3 back to v2",
        "base: 25 %",
        "0 of 900 requests failed",
    ):
        assert words in text


def test_rendering_is_deterministic(run: History, told: dict[str, Any]) -> None:
    assert render_report(told, run) == render_report(json.loads(json.dumps(told)), run)


def test_an_empty_run_renders() -> None:
    page = Page(render_report({}, History()))
    assert page.tags.count("section") == 8
    assert "No record was decided" in page.text
    assert "base model stays in service" in page.text


def test_a_run_in_which_nothing_was_accepted_renders() -> None:
    rows = [DecisionRow(i, float(i), 0, "clean", "a", False, "not_novel") for i in range(3)]
    summary = {
        "records": {"in": 3, "accepted": 0, "rejected": {"not_novel": 3}},
        "truth": {"clean": {"in": 3, "accepted": 0}},
        "versions": [{"number": 0, "parent": None, "accuracy": 0.0, "accuracy_by_group": {}, "forgetting_pp": None}],
        "active_version": 0,
        "rounds": 0,
    }
    text = Page(render_report(summary, History(rows))).text
    assert "Not novel (3)" in text
    assert "0 % of the clean ones" in text or "Clean" in text


@pytest.mark.parametrize("records", [1, 2, 5, 7])
def test_a_very_short_stream_renders(records: int) -> None:
    rows = [DecisionRow(i, 1.0, 0, "", "", True, "accepted", ifd=0.5) for i in range(records)]
    Page(render_report({}, History(rows)))


def test_bad_figures_are_shown_as_they_are(run: History, told: dict[str, Any]) -> None:
    told["compute"]["saving"] = -0.125
    told["serving"]["failed"] = 2
    broken = [replace(r, ok=False, version=None) if i < 2 else r for i, r in enumerate(run.serving)]
    html = render_report(told, replace(run, serving=broken))
    text = Page(html).text
    assert "12.5 % more than training on everything" in text
    assert "2 of 900 requests failed" in text
    assert html.count('class="cross"') == 2
    assert html.count("tile bad") == 2


def test_hostile_text_stays_text() -> None:
    history = History(
        decisions=[DecisionRow(1, 1.0, 0, HOSTILE, HOSTILE, False, HOSTILE, ifd=0.5)],
        dead_letters=[DeadLetterRow(2.0, 0, HOSTILE, HOSTILE)],
        rounds=[
            RoundRow(HOSTILE, 3.0, 1.0, HOSTILE, 1, "hold", HOSTILE, 0, Estimate(1, 0, 2), Estimate(1, 0, 2)),
        ],
        announcements=[AnnouncementRow(4.0, "promoted", 1, 0, 1)],
        serving=[ServingRow(5.0, 1, True, 0.1)],
    )
    summary = {
        "seed": HOSTILE,
        "truth": {HOSTILE: {"in": 2, "accepted": 1}},
        "records": {"in": 2, "accepted": 1, "rejected": {HOSTILE: 1}},
        "versions": [
            {"number": n, "parent": 0, "verdict": HOSTILE, "accuracy": 0.5, "accuracy_by_group": {HOSTILE: 0.5}}
            for n in range(2)
        ],
    }
    html = render_report(summary, history)
    page = Page(html)
    html.encode("utf-8")
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    assert "\x00" not in html
    assert "\x1b" not in html
    assert "{{ 7*7 }}" in page.text


def test_numbers_that_are_no_numbers_are_not_measured() -> None:
    nan = math.nan
    history = History(
        decisions=[
            DecisionRow(i, float(i), 0, "clean", "a", True, "accepted", ifd=v) for i, v in enumerate((nan, 0.5))
        ],
        rounds=[RoundRow("r", 1.0, 1.0, "size", 1, "hold", "", 0, Estimate(nan, nan, nan), None)],
        serving=[ServingRow(1.0, 0, True, nan)],
        bounds=Bounds(nan, None, math.inf),
    )
    html = render_report(
        {"seconds": nan, "versions": [{"number": 0, "accuracy": nan}], "records": {"in": "many"}}, history
    )
    assert "not measured" in Page(html).text
    assert not re.search(r'"[^"]*\bnan\b[^"]*"', html)


def test_unknown_truth_says_so(run: History) -> None:
    unknown = [replace(d, kind="") for d in run.decisions]
    text = Page(render_report({}, History(unknown, bounds=run.bounds))).text
    assert "Nobody knows the truth" in text
    assert "All records" in text


def test_a_long_run_renders(run: History) -> None:
    versions = [
        {"number": n, "parent": n - 1 if n else None, "verdict": "promote", "accuracy": n / 60,
         "accuracy_by_group": {f"department {i}": n / 60 for i in range(20)}, "forgetting_pp": 0.1 * n}
        for n in range(60)
    ]  # fmt: skip
    announcements = [AnnouncementRow(10.0 + n, "promoted", n, n - 1, n) for n in range(1, 60)]
    serving = [ServingRow(i / 100, i // 200, i % 997 != 0, 0.05) for i in range(12_000)]
    html = render_report({"versions": versions}, replace(run, announcements=announcements, serving=serving))
    Page(html)
    assert html.count('class="cross"') == 13
    assert len(html) < 2_500_000


scalars = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5)
NAMES = st.sampled_from(
    ["seed", "in", "accepted", "number", "accuracy", "flops", "saving", "from", "to", "seconds", "x"]
)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=4), max_leaves=8)
SECTIONS = st.sampled_from(
    [
        "seed",
        "records",
        "truth",
        "rounds",
        "versions",
        "held",
        "active_version",
        "serving",
        "rollback",
        "compute",
        "seconds",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(SECTIONS, values, max_size=8))
def test_any_summary_gives_a_sound_page(summary: dict[str, Any]) -> None:
    html = render_report(summary, History())
    Page(html)
    html.encode("utf-8")


# What a score or a limit may be when something went wrong upstream.
finite_or_not = st.none() | st.floats(width=32)
decisions = st.builds(
    DecisionRow, seq=st.integers(0, 99), at=st.floats(0, 1e5), day=st.integers(0, 400),
    kind=st.sampled_from(["", "clean", "wrong_answer", "odd"]), group=st.text(max_size=4), accepted=st.booleans(),
    reason=st.sampled_from(["accepted", "not_novel", "strange"]), ifd=finite_or_not, proxy_version=st.integers(0, 12),
)  # fmt: skip
announced = st.builds(
    AnnouncementRow, at=st.floats(0, 1e5), kind=st.sampled_from(["promoted", "rolled_back"]), version=st.integers(0, 9),
    parent=st.none() | st.integers(0, 9), sequence=st.integers(0, 9),
)  # fmt: skip
estimates = st.none() | st.builds(Estimate, st.floats(), st.floats(), st.floats())
rounds = st.builds(
    RoundRow, round_id=st.just("r"), at=st.floats(0, 1e5), seconds=st.floats(0, 1e4), due=st.just("size"),
    size=st.integers(0, 99),
    outcome=st.sampled_from(["promote", "hold", "not_enough_evidence"]), why=st.text(max_size=4),
    parent=st.integers(0, 9), gain=estimates, forgetting=estimates,
)  # fmt: skip
served = st.builds(
    ServingRow, at=st.floats(0, 1e5), version=st.none() | st.integers(0, 9), ok=st.booleans(),
    latency_seconds=st.floats(0, 1e6) | st.just(math.nan)
)  # fmt: skip
histories = st.builds(
    History, decisions=st.lists(decisions, max_size=8), announcements=st.lists(announced, max_size=6),
    rounds=st.lists(rounds, max_size=4), serving=st.lists(served, max_size=10),
    bounds=st.builds(Bounds, finite_or_not, finite_or_not, finite_or_not),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(histories)
def test_any_history_gives_a_sound_page(history: History) -> None:
    html = render_report({}, history)
    Page(html)
    assert not re.search(r'="[^"]*\b(nan|inf)\b[^"]*"', html)

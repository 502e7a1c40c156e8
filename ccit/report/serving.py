"""Figure: requests answered while versions changed: latency of each, the version that answered, and every failure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ccit.report.facts import Facts, finite
from ccit.report.history import AnnouncementRow, History, ServingRow
from ccit.report.marks import version_marks
from ccit.report.svg import WIDTH, Scale, drawing, element, hot, join, line, text, ticks
from ccit.report.words import Figure, Key, Numbers, clock, duration, number, version_name

_LEFT, _RIGHT, _TOP, _PLOT = 64, 14, 12, 220
_MOST_DOTS = 1500  # keeps the page small; failures and the slowest requests are always among them
_ARROWS = {"promoted": "to", "rolled_back": "rollback to"}


def _thinned(rows: Sequence[ServingRow]) -> list[ServingRow]:
    """At most about `_MOST_DOTS` of the good requests, every n-th, and the 50 slowest; all of the failed ones."""
    good, failed = [r for r in rows if r.ok], [r for r in rows if not r.ok]
    step = max(1, -(-len(good) // _MOST_DOTS))
    kept = {id(r) for r in [*good[::step], *sorted(good, key=lambda r: -r.latency_seconds)[:50]]}
    return [r for r in good if id(r) in kept] + failed


def _dot(row: ServingRow, x: Scale, y: Scale) -> Markup:
    cx, cy = x(row.at), y(row.latency_seconds)
    tip = f"{duration(row.at)}: {version_name(row.version)}, {duration(row.latency_seconds)}"
    if not row.ok:
        cross = element("path", d=f"M{cx - 6:.1f} {cy - 6:.1f} l12 12 m0 -12 l-12 12", class_="cross")
        return hot(f"FAILED at {tip}", cross)
    return hot(tip, element("circle", cx=cx, cy=cy, r=2.7, class_=f"dot-served v-{(row.version or 0) % 6}"))


def _draw(rows: Sequence[ServingRow], announcements: Sequence[AnnouncementRow]) -> Markup:
    times = [r.at for r in rows] + [a.at for a in announcements]
    x = Scale(min(times), max(*times, min(times) + 1), _LEFT, WIDTH - _RIGHT)
    swaps, top = version_marks(announcements, [x(a.at) for a in announcements], x, _TOP, _PLOT)
    most = max(max(r.latency_seconds for r in rows), 0.001) * 1.05
    y = Scale(0, most, top + _PLOT, top)
    grid = [
        join([line(_LEFT, y(t), WIDTH - _RIGHT, y(t), "grid"),
              text(_LEFT - 8, y(t) + 4, duration(t) if t else "0", "t faint", "end")])
        for t in ticks(0, most, 4)
    ]  # fmt: skip
    axis = [text(x(t), top + _PLOT + 20, clock(t), "t", "middle") for t in ticks(x.low, x.high, 9)]
    label = f"Latency of {len(rows)} requests over time, by version, with the moments of version changes"
    return drawing(label, top + _PLOT + 30, *grid, swaps, *(_dot(r, x, y) for r in _thinned(rows)), *axis)


def swap_times(history: History) -> list[tuple[AnnouncementRow, float | None]]:
    """For each announcement, the seconds until the announced version first answered (None: it never did).

    An answer counts up to the next announcement; its moment is when the answer ended.
    """
    rows = sorted(history.announcements, key=lambda a: a.at)
    found = []
    for i, row in enumerate(rows):
        until = rows[i + 1].at if i + 1 < len(rows) else float("inf")
        later = [s.at for s in history.serving if s.ok and s.version == row.version and row.at <= s.at < until]
        found.append((row, min(later) - row.at if later else None))
    return found


def _swap_table(history: History) -> Markup:
    rows = swap_times(history)
    if not rows:
        return Markup()
    head = element(
        "tr", *(element("th", h, scope="col") for h in ("Change", "Announced at", "First answer by it after"))
    )
    body = [
        element(
            "tr", element("th", f"{_ARROWS[a.kind]} {version_name(a.version)}", scope="row"),
            element("td", duration(a.at)),
            element("td", "no answer by it was seen" if wait is None else duration(wait)),
        )
        for a, wait in rows
    ]  # fmt: skip
    table = element("table", element("thead", head), element("tbody", *body), class_="plain")
    return element("div", element("h3", "Swap times"), table, class_="half scroll")


def _version_table(rows: Sequence[ServingRow]) -> Markup:
    head = element(
        "tr",
        *(element("th", h, scope="col") for h in ("Answered by", "Requests", "Median", "95 of 100 within", "Slowest")),
    )
    body = []
    for version in sorted({r.version for r in rows if r.ok and r.version is not None}):
        times = np.array([r.latency_seconds for r in rows if r.ok and r.version == version])
        figures = [duration(float(v)) for v in (np.median(times), np.percentile(times, 95), times.max())]
        cells = [element("td", words) for words in (number(len(times)), *figures)]
        swatch = element("i", class_=f"swatch v-{version % 6}")
        body.append(element("tr", element("th", swatch, version_name(version), scope="row"), *cells))
    table = element("table", element("thead", head), element("tbody", *body), class_="plain")
    return element("div", element("h3", "Latency by version"), table, class_="half scroll")


def _verdict(facts: Facts, history: History) -> Markup:
    """The figure that matters most, large: how many requests failed."""
    failed = facts.failed if facts.failed is not None else float(sum(not r.ok for r in history.serving))
    requests = facts.requests if facts.requests is not None else float(len(history.serving))
    words = f"of {number(requests)} requests failed while {number(len(history.announcements))} version changes went on"
    return element(
        "p",
        element("b", number(failed)),
        element("span", words),
        class_="verdict bad" if failed else "verdict good",
    )


def serving_figure(facts: Facts, history: History) -> Figure:
    """Draw every request of the run over time, and how long each swap took to reach the clients."""
    title = "Served without interruption?"
    rows = sorted((r for r in history.serving if finite(r.latency_seconds) is not None), key=lambda r: r.at)
    if not rows:
        words = "No request was sent to the server in this run, so there is nothing to draw here."
        return Figure("serving", title, words, Markup())
    announcements = sorted(history.announcements, key=lambda a: a.at)
    body = join([
        _verdict(facts, history),
        element("div", _draw(rows, announcements), class_="scroll"),
        element("div", _version_table(rows), _swap_table(history), class_="halves"),
    ])  # fmt: skip
    sentence = (
        "Each dot is one question put to the server while versions changed underneath: its height is "
        "the time until the answer "
        "was complete, its colour the version that answered, and a cross would be a request that failed."
    )
    versions = sorted({r.version for r in rows if r.ok and r.version is not None})
    legend = [Key(f"v-{v % 6}", f"Answered by {version_name(v)}") for v in versions] if len(versions) <= 12 else []
    numbers = Numbers(
        ["Change", "Sequence", "Announced at", "Parent"],
        [[f"{_ARROWS[a.kind]} {version_name(a.version)}", str(a.sequence), duration(a.at),
          "none" if a.parent is None else version_name(a.parent)]
         for a in announcements],
    )  # fmt: skip
    return Figure("serving", title, sentence, body, legend=legend, numbers=numbers if announcements else None)

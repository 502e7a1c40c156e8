"""Figure: the stream in the order in which it was decided, by decision and reason, with days and version changes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from ccit.report.history import History
from ccit.report.marks import version_marks
from ccit.report.svg import WIDTH, Scale, drawing, hot, join, line, rect, text
from ccit.report.words import (
    DEAD_LETTER,
    Figure,
    Key,
    Numbers,
    clock,
    duration,
    number,
    percent,
    reason_class,
    reason_label,
    reasons,
)

_LEFT, _RIGHT, _TOP, _PLOT = 52, 12, 12, 250
_MOST_BARS = 72  # at 1100 units a bar is then 14 wide: still one thing to point at
_LEAST_IN_BAR = 6
_SECONDS_GRID = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    day: int
    reason: str


def _events(history: History) -> list[_Event]:
    decided = [_Event(d.at, d.day, d.reason) for d in history.decisions]
    dead = [_Event(d.at, d.day, DEAD_LETTER) for d in history.dead_letters]
    return sorted(decided + dead, key=lambda e: e.at)


def _order(found: Counter[str]) -> list[str]:
    known = [r for r in reasons() if r in found]
    return known + sorted(r for r in found if r not in reasons())


def _edges(total: int) -> list[int]:
    bars = max(1, min(_MOST_BARS, total // _LEAST_IN_BAR))
    return [round(i * total / bars) for i in range(bars + 1)]


def _tip(events: list[_Event], counts: Counter[str], order: list[str]) -> str:
    days = sorted({e.day for e in events})
    when = f"day {days[0] + 1}" if len(days) == 1 else f"days {days[0] + 1} to {days[-1] + 1}"
    lines = [f"{len(events)} records, {when}, {duration(events[0].at)} to {duration(events[-1].at)}"]
    lines += [f"{reason_label(r)}: {counts[r]} ({percent(counts[r] / len(events))})" for r in order if counts[r]]
    return "\n".join(lines)


def _bar(events: list[_Event], order: list[str], x: float, width: float, top: float) -> Markup:
    counts = Counter(e.reason for e in events)
    y, pieces = top + _PLOT, []
    for reason in order:
        height = _PLOT * counts[reason] / len(events)
        y -= height
        if height:
            pieces.append(rect(x + 0.5, y + 0.4, width - 1, max(0.6, height - 0.8), f"fill {reason_class(reason)}"))
    return hot(_tip(events, counts, order), rect(x, top, width, _PLOT, "hit"), *pieces)


def _days(events: list[_Event], x: Scale, bottom: float) -> Markup:
    """A label under each simulated day; a day begins where as many records came as earlier days held."""
    held = Counter(e.day for e in events)
    pieces, before, last = [], 0, -1000.0
    for day in sorted(held):
        start, end = x(before), x(before + held[day])
        before += held[day]
        pieces.append(line(start, bottom, start, bottom + 9, "axis"))
        middle = (start + end) / 2
        if middle - last >= 30:
            pieces.append(text(middle, bottom + 18, str(day + 1), "t", "middle"))
            last = middle
    return join([*pieces, text(_LEFT - 8, bottom + 18, "Day", "t faint", "end")])


def _clock(events: list[_Event], x: Scale, bottom: float) -> Markup:
    """Elapsed time under the days: how fast the stream was worked through."""
    times = [e.at for e in events]
    step = next((s for s in _SECONDS_GRID if (times[-1] - times[0]) / s <= 12), 7200)
    pieces, last = [], -1000.0
    for tick in range(step, int(times[-1]) + 1, step):
        position = x(bisect_right(times, tick))
        if position - last >= 48 and position < x.end - 20:
            pieces.append(text(position, bottom + 37, clock(float(tick)), "t faint", "middle"))
            last = position
    return join([*pieces, text(_LEFT - 8, bottom + 37, "Time", "t faint", "end")])


def _draw(history: History, events: list[_Event], order: list[str]) -> Markup:
    x = Scale(0, len(events), _LEFT, WIDTH - _RIGHT)
    times = [e.at for e in events]
    changes = sorted(history.announcements, key=lambda a: a.at)
    marks, top = version_marks(changes, [x(bisect_right(times, a.at)) for a in changes], x, _TOP, _PLOT)
    edges = _edges(len(events))
    bars = [_bar(events[a:b], order, x(a), x(b) - x(a), top) for a, b in pairwise(edges) if b > a]
    grid = [
        join(
            [
                line(_LEFT, y, WIDTH - _RIGHT, y, "grid"),
                text(_LEFT - 8, y + 4, f"{share} %", "t faint", "end"),
            ]
        )
        for share in (0, 25, 50, 75, 100)
        for y in [top + _PLOT * (1 - share / 100)]
    ]
    bottom = top + _PLOT
    label = f"Stacked bars of {len(events)} records in order, by decision and reason"
    return drawing(label, bottom + 46, *grid, *bars, _days(events, x, bottom), _clock(events, x, bottom), marks)


def _by_day(events: list[_Event], order: list[str]) -> Numbers:
    days = sorted({e.day for e in events})
    counts = {day: Counter(e.reason for e in events if e.day == day) for day in days}
    rows = [[str(day + 1), *(str(counts[day][r]) for r in order)] for day in days]
    return Numbers(["Day", *(reason_label(r) for r in order)], rows)


def stream_figure(history: History) -> Figure:
    """Draw what was decided about each part of the stream, and when versions changed."""
    events = _events(history)
    title = "The stream, record by record"
    if not events:
        return Figure("stream", title, "No record was decided in this run, so there is nothing to draw here.", Markup())
    totals = Counter(e.reason for e in events)
    order = _order(totals)
    each = round(len(events) / (len(_edges(len(events))) - 1))
    legend = [
        Key(reason_class(r), f"{reason_label(r)} ({number(totals[r])})", reasons()[r][1] if r in reasons() else "")
        for r in order
    ]
    sentence = (
        f"Read from left to right: each bar stands for about {each} records in the order in which they "
        "were decided, and "
        "its colours say what share was accepted or refused, and why; a line marks the moment a new version went out."
    )
    return Figure(
        "stream",
        title,
        sentence,
        _draw(history, events, order),
        legend=legend,
        numbers=_by_day(events, order),
    )

"""The drawings of an experiment's page: means with intervals, curves, stacked costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ccit.experiment.metrics import Arm, Interval
from ccit.report.svg import WIDTH, Scale, drawing, element, hot, join, line, path, rect, text, ticks
from ccit.report.words import big, shortened

_NAMES, _RIGHT, _TOP, _ROW = 290, 70, 12, 28
_COLOURS = 8  # that stay apart for everyone (`page.css`); further arms begin anew
_LONGEST = 40  # letters of an arm's name beside a drawing
Lines = Sequence[Mapping[str, Any]]


def named(arm: Arm) -> str:
    """An arm for a person.

    >>> named(("lot", "8")), named(())
    ('lot, 8', 'all cells')
    """
    return ", ".join(arm) or "all cells"


def colour(number: int) -> str:
    """The style class of the arm with this number."""
    return f"g-{number % _COLOURS}"


def _left(arm: Arm, y: float) -> Markup:
    return text(4, y + 4, shortened(named(arm), _LONGEST), "t strong")


def dots_chart(label: str, values: Mapping[Arm, Interval], *, zero: bool) -> Markup:
    """A row for each arm: its mean, with the interval as a whisker. Ends that are not numbers are not drawn."""
    known = [v for one in values.values() for v in (one.mean, one.low, one.high) if math.isfinite(v)]
    known += [0.0] if zero else []
    room = max(0.5, 0.08 * (max(known) - min(known)))
    x = Scale(min(known) - room, max(known) + room, _NAMES, WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(values)
    marks = [
        join([line(x(t), _TOP, x(t), bottom, "axis" if t == 0 else "grid"),
              text(x(t), bottom + 18, f"{t:g}", "t", "middle")])
        for t in ticks(x.low, x.high, 6)
    ]  # fmt: skip
    rows = []
    for number, (arm, one) in enumerate(values.items()):
        y = _TOP + _ROW * (number + 0.5)
        rows += [_left(arm, y), _dot(arm, one, x, y, colour(number))]
    return drawing(label, bottom + 40, *marks, *rows, text(WIDTH - _RIGHT, bottom + 34, label, "t faint", "end"))


def _dot(arm: Arm, one: Interval, x: Scale, y: float, class_: str) -> Markup:
    if not math.isfinite(one.mean):
        return text(_NAMES, y + 4, "not measured", "t faint")
    point = element("circle", cx=x(one.mean), cy=y, r=6, class_=f"point {class_}")
    if not math.isfinite(one.low):
        return hot(f"{named(arm)}: {one.mean:.1f}, one seed", point)
    ends = [line(end, y - 5, end, y + 5, f"whisker {class_}") for end in (x(one.low), x(one.high))]
    return hot(
        f"{named(arm)}: {one.mean:.1f}, between {one.low:.1f} and {one.high:.1f}",
        line(x(one.low), y, x(one.high), y, f"whisker {class_}"), *ends, point,
        text(min(x(one.high) + 8, WIDTH - 40), y + 4, f"{one.mean:.1f}", "t"),
    )  # fmt: skip


def curves_chart(arms: Mapping[Arm, Lines]) -> Markup:
    """Samples waiting over records decided, of the first seed of each arm; names stand below."""
    curves = {arm: own[0]["untrained"]["curve"] for arm, own in arms.items()}
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return element("p", "Nothing was decided.")
    plot, left = 240.0, 60.0
    x = Scale(0, max(decided for decided, _ in points), left, WIDTH - _RIGHT)
    y = Scale(0, max(1, *(waiting for _, waiting in points)), _TOP + plot, _TOP)
    grid = [
        join([line(left, y(t), WIDTH - _RIGHT, y(t), "grid"), text(left - 8, y(t) + 4, f"{t:g}", "t faint", "end")])
        for t in ticks(0, y.high, 4)
    ]
    axis = [text(x(t), _TOP + plot + 20, f"{t:g}", "t", "middle") for t in ticks(0, x.high, 8)]
    drawn = [
        hot(named(arm), path([(x(a), y(b)) for a, b in [[0, 0], *curve]], f"curve {colour(number)}"))
        for number, (arm, curve) in enumerate(curves.items())
    ]
    below = _TOP + plot + 34
    keys = [
        join([rect(left + 340 * (n % 3), below + 20 * (n // 3), 12, 12, f"fill {colour(n)}", rx=3),
              text(left + 340 * (n % 3) + 20, below + 20 * (n // 3) + 11, shortened(named(arm), _LONGEST))])
        for n, arm in enumerate(curves)
    ]  # fmt: skip
    height = below + 20 * (-(-len(curves) // 3)) + 6
    return drawing("Accepted samples that wait, over records decided", height, *grid, *axis, *drawn, *keys)


def costs_chart(arms: Mapping[Arm, Lines], parts: Sequence[tuple[str, str]], what: str) -> Markup:
    """A bar for each arm, stacked from its parts: `tokens` or `flops`, mean over the seeds."""
    means = {
        arm: [sum(float(one["spend"][part][what]) for one in own) / len(own) for part, _ in parts]
        for arm, own in arms.items()
    }
    most = max((sum(own) for own in means.values()), default=0.0)
    width = Scale(0, most, 0, WIDTH - _NAMES - 150)
    rows = []
    for number, (arm, own) in enumerate(means.items()):
        y, at = 30 + _ROW * number, float(_NAMES)
        rows.append(_left(arm, y + 10))
        for (part, class_), value in zip(parts, own, strict=True):
            tip = f"{named(arm)}, {part}: {big(value)} {what}"
            rows.append(hot(tip, rect(at, y, width(value), 18, f"fill {class_}")))
            at += width(value)
        rows.append(text(at + 8, y + 14, big(sum(own)), "t"))
    title = "Tokens read by a model" if what == "tokens" else "Estimated floating-point operations"
    return drawing(title, 40 + _ROW * len(means), text(4, 16, title, "t strong"), *rows)

"""Figure: what each judged round gained and what general ability it lost, with intervals and the stated bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ccit.records import Estimate
from ccit.report.facts import Facts, finite, sound
from ccit.report.history import History, promotions
from ccit.report.svg import WIDTH, Scale, drawing, element, hot, join, line, rect, text, ticks
from ccit.report.words import OUTCOMES, Figure, Key, Numbers, percent, points, spoken, version_name

_NAMES, _GAP, _RIGHT, _TOP, _ROW = 190, 56, 24, 44, 34


@dataclass(frozen=True, slots=True)
class _Judged:
    name: str
    outcome: str
    gain: Estimate | None
    forgetting: Estimate | None
    why: str


def _judged(facts: Facts, history: History) -> list[_Judged]:
    if history.rounds:
        made = {id(r): a.version for a, r in promotions(history) if r is not None}
        rows = []
        for i, r in enumerate(sorted(history.rounds, key=lambda r: r.at), 1):
            version = made.get(id(r))
            name = f"Round {i} \u2192 {version_name(version)}" if version is not None else f"Round {i}"
            rows.append(_Judged(name, r.outcome, sound(r.gain), sound(r.forgetting), r.why))
        return rows
    told = [v for v in facts.versions if v.number and v.forgetting_pp is not None]
    return [
        _Judged(version_name(v.number), "promote", None, Estimate(f, f, f), "")
        for v in told
        for f in [v.forgetting_pp]
        if f is not None
    ]


def _span(estimates: Sequence[Estimate | None], bound: float | None) -> tuple[float, float]:
    values = [v for e in estimates if e for v in (e.points, e.low, e.high)] + [0.0]
    values += [] if bound is None else [bound]
    low, high = min(values), max(values)
    room = max(0.5, (high - low) * 0.08)
    return low - room, high + room


def _whisker(row: _Judged, estimate: Estimate | None, what: str, x: Scale, y: float) -> Markup:
    if estimate is None:
        return text((x.start + x.end) / 2, y + 4, "not measured", "t faint", "middle")
    class_ = "o-promote" if row.outcome == "promote" else "o-hold"
    tip = f"{row.name}: {what} {points(estimate.points)}, between {points(estimate.low)} and {points(estimate.high)}"
    left, right = x(estimate.low), x(estimate.high)
    ends = [line(end, y - 5, end, y + 5, f"whisker {class_}") for end in (left, right)]
    return hot(
        tip, rect(left - 8, y - 12, right - left + 16, 24, "hit"),
        line(left, y, right, y, f"whisker {class_}"), *ends,
        element("circle", cx=x(estimate.points), cy=y, r=6, class_=f"point {class_}"),
    )  # fmt: skip


def _panel(rows: Sequence[_Judged], what: str, x: Scale, bound: float | None, bottom: float) -> Markup:
    """One column of whiskers: gain (further right is better) or forgetting (right of the bound is refused)."""
    title = "Gain on the hospital's questions" if what == "gain" else "General ability lost"
    pieces = [text(x.start, 14, title, "t strong")]
    for t in ticks(x.low, x.high, 5):
        pieces += [line(x(t), _TOP - 8, x(t), bottom, "axis" if t == 0 else "grid"),
                   text(x(t), bottom + 18, points(t).replace(".0 pp", ""), "t", "middle")]  # fmt: skip
    if bound is not None:
        pieces += [
            element(
                "rect",
                x=x(bound),
                y=_TOP - 8,
                width=x.end - x(bound),
                height=bottom - _TOP + 8,
                class_="shade",
            ),
            line(x(bound), _TOP - 8, x(bound), bottom, "bound"),
            text(x(bound), 31, f"bound {points(bound)}", "t bound-text", "middle"),
        ]
    for i, row in enumerate(rows):
        estimate = row.gain if what == "gain" else row.forgetting
        pieces.append(
            _whisker(
                row,
                estimate,
                "gain" if what == "gain" else "general ability lost",
                x,
                _TOP + _ROW * (i + 0.5),
            )
        )
    return join(pieces)


def _draw(rows: Sequence[_Judged], bound: float | None) -> Markup:
    bottom = _TOP + _ROW * len(rows)
    width = (WIDTH - _NAMES - _GAP - _RIGHT) / 2
    gain = Scale(*_span([r.gain for r in rows], None), _NAMES, _NAMES + width)
    loss = Scale(*_span([r.forgetting for r in rows], bound), _NAMES + width + _GAP, WIDTH - _RIGHT)
    names = [
        join([text(4, _TOP + _ROW * (i + 0.5) - 2, r.name, "t strong"),
              text(4, _TOP + _ROW * (i + 0.5) + 12, OUTCOMES.get(r.outcome, spoken(r.outcome)), "t small faint")])
        for i, r in enumerate(rows)
    ]  # fmt: skip
    unit = text(
        WIDTH - _RIGHT,
        bottom + 36,
        "percentage points against the version before; bars are intervals",
        "t faint",
        "end",
    )
    label = "Gain and forgetting of each judged round with intervals"
    return drawing(
        label,
        bottom + 44,
        *names,
        _panel(rows, "gain", gain, None, bottom),
        _panel(rows, "loss", loss, bound, bottom),
        unit,
    )


def _general(facts: Facts) -> Markup:
    """A line of general accuracy per version, where the summary has it."""
    told = [v for v in facts.versions if v.general_accuracy is not None]
    if not told:
        return Markup()
    items = [
        element("li", element("span", version_name(v.number)), element("b", percent(v.general_accuracy, 1)))
        for v in told
    ]
    return element("div", element("p", "General questions answered rightly:"), element("ol", *items), class_="strip")


def _estimate_words(estimate: Estimate | None) -> str:
    return (
        points(None)
        if estimate is None
        else f"{points(estimate.points)} ({points(estimate.low)} to {points(estimate.high)})"
    )


def forgetting_figure(facts: Facts, history: History) -> Figure:
    """Draw gain and forgetting of every judged round, those that were not promoted included."""
    rows, title = _judged(facts, history), "The price of learning: what was gained, what was lost"
    if not rows:
        text_ = "No candidate was judged in this run, so there is nothing to draw here."
        return Figure("forgetting", title, text_, _general(facts))
    bound = finite(history.bounds.forgetting_pp)
    sentence = (
        "Every candidate is compared with the version before it: points right of zero on the left side "
        "are questions learned, "
        "points right of zero on the right side are general ability lost"
        + (
            ""
            if bound is None
            else f", and a candidate that lost more than {points(bound).lstrip('+')} is not promoted"
        )
        + "."
    )
    body = join([element("div", _draw(rows, bound), class_="scroll"), _general(facts)])
    table = [
        [
            r.name,
            OUTCOMES.get(r.outcome, spoken(r.outcome)),
            _estimate_words(r.gain),
            _estimate_words(r.forgetting),
            r.why,
        ]
        for r in rows
    ]
    return Figure(
        "forgetting", title, sentence, body,
        legend=[Key("o-promote", "Promoted"), Key("o-hold", "Not promoted")],
        numbers=Numbers(["Round", "Verdict", "Gain", "Ability lost", "Why"], table),
    )  # fmt: skip

"""Figure: how hard clean and wrong answers look to each version of the proxy (IFD), with the thresholds.

IFD, instruction-following difficulty: perplexity of the answer given its question, divided by its perplexity alone
(Li et al. 2024, arXiv 2308.12032). Below 1 the question helps to predict the answer; above 1 it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ccit.report.facts import finite
from ccit.report.histogram import Histogram, separation
from ccit.report.history import Bounds, History
from ccit.report.svg import WIDTH, Scale, drawing, join, line, rect, text, ticks
from ccit.report.words import Figure, Key, Numbers, percent, version_name

_MOST_PANELS = 6
_CEILING = 10.0  # a ratio beyond this is drawn here: the text is garbage, and the axis must stay readable
_HALF, _HEAD, _GAP = (
    62,
    26,
    26,
)  # units: half a panel (clean above, wrong below), its heading, space between panels
_LEFT, _RIGHT, _TOP = 16, 16, 22


@dataclass(frozen=True, slots=True)
class _Panel:
    proxy: int
    above: np.ndarray  # IFD of clean answers, or of all where the truth is unknown
    below: np.ndarray  # IFD of wrong answers


def _panels(history: History) -> tuple[list[_Panel], bool]:
    """One panel per proxy version: the first and the latest ones. Second value: is the truth known at all."""
    known = any(d.kind for d in history.decisions)
    found: dict[int, tuple[list[float], list[float]]] = {}
    for row in history.decisions:
        value = finite(row.ifd)
        if value is None or (known and row.kind not in ("clean", "wrong_answer")):
            continue
        sides = found.setdefault(row.proxy_version, ([], []))
        sides[int(row.kind == "wrong_answer")].append(min(max(value, 0.0), _CEILING))
    versions = sorted(found)
    shown = versions if len(versions) <= _MOST_PANELS else [versions[0], *versions[1 - _MOST_PANELS :]]
    return [_Panel(v, np.array(found[v][0]), np.array(found[v][1])) for v in shown], known


def _range(panels: Sequence[_Panel], bounds: Bounds) -> tuple[float, float]:
    """The shared axis: from the 0.5 to the 99.5 percentile and the thresholds, rounded to tenths."""
    values = np.concatenate([part for p in panels for part in (p.above, p.below)])
    marks = [b for b in (finite(bounds.ifd_low), finite(bounds.ifd_high)) if b is not None and 0 <= b <= _CEILING]
    low = min([float(np.percentile(values, 0.5)), *marks])
    high = max([float(np.percentile(values, 99.5)), 1.0, *marks])
    return max(0.0, np.floor(low * 10 - 0.5) / 10), float(np.ceil(high * 10 + 0.5) / 10)


def _heading(panel: _Panel, known: bool) -> str:
    if not known:
        return f"{len(panel.above)} records"
    apart = separation(panel.above, panel.below)
    counts = f"{len(panel.above)} clean, {len(panel.below)} wrong"
    return (
        counts
        if apart is None
        else f"{counts}; a wrong answer looks harder than a clean one in {percent(apart)} of pairs"
    )


def _thresholds(bounds: Bounds, x: Scale, height: float) -> Markup:
    pieces = []
    for value, side, words in ((bounds.ifd_low, "end", "too easy"), (bounds.ifd_high, "start", "suspicious")):
        at = finite(value)
        if at is None:
            continue
        where = x(at)
        shade = rect(x.start, _TOP, where - x.start, height - _TOP, "shade") if side == "end" else rect(
            where, _TOP, x.end - where, height - _TOP, "shade")  # fmt: skip
        label = f"\u2190 {words}, below {at:g}" if side == "end" else f"{words}, above {at:g} \u2192"
        fits = where - x.start > 120 if side == "end" else x.end - where > 150
        anchor = side if fits else ("start" if side == "end" else "end")
        nudge = -6 if anchor == "end" else 6
        pieces += [
            shade,
            line(where, _TOP, where, height, "bound"),
            text(where + nudge, 14, label, "t bound-text", anchor),
        ]
    return join(pieces)


def _draw(panels: Sequence[_Panel], known: bool, bounds: Bounds) -> Markup:
    low, high = _range(panels, bounds)
    x = Scale(low, high, _LEFT, WIDTH - _RIGHT)
    bars = Histogram.of("IFD", x, [part for p in panels for part in (p.above, p.below)])
    each = _HEAD + _HALF * (2 if known else 1) + _GAP
    bottom = _TOP + each * len(panels)
    pieces = [line(x(t), _TOP, x(t), bottom, "grid") for t in ticks(low, high, 10)]
    pieces.append(_thresholds(bounds, x, bottom))
    for i, panel in enumerate(panels):
        top = _TOP + each * i
        base = top + _HEAD + _HALF
        name = (
            "Scored by the base proxy, before it was trained"
            if panel.proxy == 0
            else f"Scored by proxy {version_name(panel.proxy)}"
        )
        pieces += [
            text(_LEFT + 2, top + 18, name, "t strong"),
            text(WIDTH - _RIGHT - 2, top + 18, _heading(panel, known), "t faint", "end"),
            bars.side(panel.above, base, _HALF, "Clean" if known else "All records", "k-clean"),
            bars.side(panel.below, base, -_HALF, "Wrong answers", "k-wrong"),
            line(_LEFT, base, WIDTH - _RIGHT, base, "axis"),
        ]
    labels = [text(x(t), bottom + 18, f"{t:g}", "t", "middle") for t in ticks(low, high, 10)]
    axis = text(WIDTH / 2, bottom + 36, "IFD: how little the question helps to expect the answer", "t faint", "middle")
    label = "Distributions of IFD for clean and wrong answers, one panel per proxy version"
    return drawing(label, bottom + 44, *pieces, *labels, axis)


def _numbers(panels: Sequence[_Panel], known: bool) -> Numbers:
    def median(values: np.ndarray) -> str:
        return f"{float(np.median(values)):.3f}" if len(values) else "none scored"

    first = "Clean" if known else "All"
    rows = [
        [version_name(p.proxy), str(len(p.above)), median(p.above), str(len(p.below)), median(p.below),
         percent(separation(p.above, p.below))]
        for p in panels
    ]  # fmt: skip
    return Numbers(["Proxy", f"{first}: records", f"{first}: median IFD", "Wrong: records", "Wrong: median IFD",
                    "Wrong looks harder"], rows)  # fmt: skip


def _finding(panels: Sequence[_Panel]) -> str:
    usable = [(p.proxy, separation(p.above, p.below)) for p in panels]
    told = [(v, s) for v, s in usable if s is not None]
    if len(told) < 2:
        return ""
    (first, before), (last, after) = told[0], told[-1]
    direction = "better" if after > before + 0.005 else "worse" if after < before - 0.005 else "as well"
    than = "as" if direction == "as well" else "than"
    return (
        f"Proxy {version_name(last)} tells wrong from clean answers {direction} {than} {version_name(first)}: "
        f"{percent(after)} of pairs in the right order against {percent(before)} (50 % would be a coin toss)."
    )


def ifd_figure(history: History) -> Figure:
    """Draw the IFD of clean and wrong answers for each version of the proxy that scored some."""
    panels, known = _panels(history)
    title = "What the small model finds surprising"
    if not panels:
        return Figure(
            "ifd",
            title,
            "No record reached the IFD check in this run, so there is nothing to draw here.",
            Markup(),
        )
    sentence = (
        "Each panel belongs to one version of the small scoring model and shows how surprising answers looked to it"
        + (": clean ones above the line, answers that belong to another question below it" if known else "")
        + "; only records between the dashed limits may pass, and a tall mark shows the middle value."
    )
    legend = [Key("k-clean", "Clean answers" if known else "All records")]
    legend += [Key("k-wrong", "Wrong answers")] if known else []
    return Figure(
        "ifd",
        title,
        sentence,
        _draw(panels, known, history.bounds),
        _finding(panels),
        legend,
        _numbers(panels, known),
    )

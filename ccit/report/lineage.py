"""Figure: the line of versions with their verdicts; candidates that were held hang below, a rollback arcs above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from ccit.report.facts import Facts, sound
from ccit.report.history import AnnouncementRow, History, RoundRow, promotions
from ccit.report.svg import WIDTH, Scale, drawing, element, hot, text
from ccit.report.words import OUTCOMES, Figure, Key, duration, points, spoken, version_name

_EDGE, _MAIN, _BELOW, _HEIGHT = 80, 96, 196, 256  # units: margin, the two rows of nodes, height of all
_NARROW, _WIDE = 118, 190  # width of a column: wide where all stand side by side, never narrower than its words
_RADIUS = 19


@dataclass(frozen=True, slots=True)
class _Node:
    column: int
    kind: Literal["version", "held", "rollback"]
    version: int  # of a held candidate: its parent; of a rollback: where it went
    parent: int | None
    title: str
    detail: str
    tip: str


def _gain(round_: RoundRow | None) -> str:
    gain = None if round_ is None else sound(round_.gain)
    return "" if gain is None else points(gain.points)


def _version_node(column: int, row: AnnouncementRow, round_: RoundRow | None) -> _Node:
    tip = f"{version_name(row.version)} promoted after {duration(row.at)}, parent {version_name(row.parent)}"
    tip += f"\n{round_.size} new samples, {duration(round_.seconds)} to train and judge\n{round_.why}" if round_ else ""
    return _Node(column, "version", row.version, row.parent, "promoted", _gain(round_), tip)


def _held_node(column: int, round_: RoundRow) -> _Node:
    title = OUTCOMES.get(round_.outcome, spoken(round_.outcome))
    tip = f"Candidate after {version_name(round_.parent)}: {title}, {duration(round_.at)} into the run\n{round_.why}"
    return _Node(column, "held", round_.parent, round_.parent, title, _gain(round_), tip)


def _rollback_node(column: int, row: AnnouncementRow) -> _Node:
    tip = f"An operator went back to {version_name(row.version)} after {duration(row.at)}"
    return _Node(column, "rollback", row.version, None, "rolled back", f"to {version_name(row.version)}", tip)


def _nodes(facts: Facts, history: History) -> list[_Node]:
    """Everything that happened to the line of versions, in order of time; from the summary where "
    "there is no history."""
    base = _Node(0, "version", 0, None, "base model", "", "The base model, before any learning")
    happened: list[tuple[float, AnnouncementRow | RoundRow]] = [
        (a.at, a) for a in history.announcements if a.version or a.kind == "rolled_back"
    ]
    happened += [(r.at, r) for r in history.rounds if r.outcome != "promote"]
    made = {id(a): r for a, r in promotions(history)}
    nodes = [base]
    for _, row in sorted(happened, key=lambda pair: pair[0]):
        column = len(nodes)
        if isinstance(row, RoundRow):
            nodes.append(_held_node(column, row))
        elif row.kind == "rolled_back":
            nodes.append(_rollback_node(column, row))
        else:
            nodes.append(_version_node(column, row, made.get(id(row))))
    if not happened:
        for v in (v for v in facts.versions if v.number):
            nodes.append(_Node(len(nodes), "version", v.number, v.parent, "promoted", "", version_name(v.number)))
    return nodes


def _columns(nodes: Sequence[_Node]) -> Scale:
    last = len(nodes) - 1
    step = min(_WIDE, max(_NARROW, (WIDTH - 2 * _EDGE) / max(1, last)))
    return Scale(0, last, _EDGE, _EDGE + step * last)


def _curve(d: str, class_: str, arrow: str | None = None) -> Markup:
    return element("path", d=d, class_=class_, marker_end=f"url(#{arrow})" if arrow else None)


def _edge(node: _Node, home: dict[int, int], busy: set[int], x: Scale) -> Markup:
    """The line from a node's parent to it: straight to the neighbour, bowed past what lies between."""
    if node.parent is None or node.parent not in home:
        return Markup()
    x1, x2 = x(home[node.parent]), x(node.column)
    if node.kind == "held":
        middle = max(x1, x2 - _NARROW * 0.8)
        return _curve(
            f"M{x1} {_MAIN} H{middle} C{x2 - 30} {_MAIN} {middle + 10} {_BELOW} {x2 - 14} {_BELOW}",
            "edge held",
        )
    between = any(home[node.parent] < c < node.column for c in busy)
    if not between:
        return _curve(f"M{x1} {_MAIN} H{x2 - _RADIUS}", "edge")
    sag = _MAIN + 46
    return _curve(f"M{x1} {_MAIN} C{x1 + 40} {sag} {x2 - 50} {sag} {x2 - _RADIUS + 3} {_MAIN + 8}", "edge")


def _arc(node: _Node, home: dict[int, int], x: Scale) -> Markup:
    """A rollback's arc from its moment back to the version that became active again."""
    if node.kind != "rollback" or node.version not in home:
        return Markup()
    x1, x2 = x(node.column), x(home[node.version])
    rise = _MAIN - 96
    return _curve(
        f"M{x1} {_MAIN - 13} C{x1 - 10} {rise} {x2 + 14} {rise} {x2 + 4} {_MAIN - _RADIUS - 5}",
        "edge back",
        "arrow",
    )


def _shape(node: _Node, active: bool, columns: Scale) -> Markup:
    x, y = columns(node.column), _BELOW if node.kind == "held" else _MAIN
    if node.kind == "version":
        name = "0" if node.version == 0 else version_name(node.version)
        ring = [element("circle", cx=x, cy=y, r=_RADIUS + 5, class_="ring")] if active else []
        class_ = "node base" if node.version == 0 else "node promoted"
        shapes = [
            *ring,
            element("circle", cx=x, cy=y, r=_RADIUS, class_=class_),
            text(x, y + 5, name, "t node-text", "middle"),
        ]
        low = y + _RADIUS + 22
    elif node.kind == "held":
        shapes = [
            element("circle", cx=x, cy=y, r=12, class_="node held"),
            text(x, y + 4.5, "\u2013", "t strong", "middle"),
        ]
        low = y + 12 + 20
    else:
        shapes = [
            element(
                "rect",
                x=x - 11,
                y=y - 11,
                width=22,
                height=22,
                rx=4,
                transform=f"rotate(45 {x} {y})",
                class_="node back",
            ),
            text(x, y + 5, "\u21a9", "t node-text", "middle"),
        ]
        low = y + _RADIUS + 22
    words = [
        text(x, low, node.title, "t strong" if active else "t", "middle"),
        text(x, low + 15, node.detail, "t small faint", "middle"),
    ]
    if active:
        words.append(text(x, low + 32, "active now", "t strong accent", "middle"))
    return hot(node.tip, *shapes, *words)


def _arrowhead() -> Markup:
    tip = element("path", d="M0 0 L8 4 L0 8 z", class_="arrowhead")
    marker = element(
        "marker",
        tip,
        id="arrow",
        viewBox="0 0 8 8",
        refX=6,
        refY=4,
        markerWidth=8,
        markerHeight=8,
        orient="auto-start-reverse",
    )
    return element("defs", marker)


def _draw(nodes: Sequence[_Node], active: float | None) -> Markup:
    home = {n.version: n.column for n in nodes if n.kind == "version"}
    busy = {n.column for n in nodes if n.kind != "held"}
    x = _columns(nodes)
    width = max(float(WIDTH), x.end + _EDGE)
    return drawing(
        f"The line of {len(home)} versions with verdicts and rollbacks", _HEIGHT, _arrowhead(),
        *(_edge(n, home, busy, x) for n in nodes), *(_arc(n, home, x) for n in nodes),
        *(_shape(n, n.kind == "version" and n.version == active, x) for n in nodes), width=width,
    )  # fmt: skip


def lineage_figure(facts: Facts, history: History) -> Figure:
    """Draw how versions follow one another, what was held back, and where an operator went back."""
    nodes = _nodes(facts, history)
    sentence = (
        "Time runs to the right: every filled circle is a version that went out, every open one a "
        "candidate that was judged and "
        "kept back, and a dashed arc is an operator going back to an older version; below stands the "
        "change in accuracy."
    )
    finding = "" if len(nodes) > 1 else "No candidate was judged in this run, so the base model stays in service."
    if facts.rollback_seconds is not None:
        finding = (
            f"The rollback from {version_name(facts.rollback_from)} to {version_name(facts.rollback_to)} "
            f"took {duration(facts.rollback_seconds)}."
        )
    legend = [
        Key("o-promote", "Promoted"),
        Key("o-hold", "Held, or not enough evidence"),
        Key("o-back", "Rollback"),
    ]
    return Figure("versions", "The line of versions", sentence, _draw(nodes, facts.active_version), finding, legend)

"""Figure: accuracy of the base model and of each version, overall and per condition group."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ccit.report.facts import Facts, VersionFact
from ccit.report.svg import WIDTH, Scale, drawing, element, hot, join, line, path, spread, text
from ccit.report.words import Figure, Numbers, percent, points, shortened, version_name

_LEFT, _RIGHT, _TOP, _PLOT = 52, 190, 14, 250
_MOST_LINES = 8  # the colours that stay apart for everyone; more groups are told by the table alone
OVERALL = "Overall"


def _groups(versions: Sequence[VersionFact]) -> list[str]:
    return sorted({g for v in versions for g in v.accuracy_by_group})


def _series(versions: Sequence[VersionFact], group: str) -> list[tuple[int, float]]:
    values = [(i, v.accuracy if group == OVERALL else v.accuracy_by_group.get(group)) for i, v in enumerate(versions)]
    return [(i, value) for i, value in values if value is not None]


def _curve(versions: Sequence[VersionFact], group: str, class_: str, x: Scale, y: Scale) -> Markup:
    series = _series(versions, group)
    dots = [
        hot(
            f"{group}, {version_name(versions[i].number)}: {percent(value, 1)}",
            element("circle", cx=x(i), cy=y(value), r=9, class_="hit"),
            element("circle", cx=x(i), cy=y(value), r=5 if group == OVERALL else 3.6, class_=f"fill dot {class_}"),
        )
        for i, value in series
    ]
    return join([path([(x(i), y(v)) for i, v in series], f"curve {class_}"), *dots])


def _labels(versions: Sequence[VersionFact], names: Sequence[str], classes: Sequence[str], y: Scale) -> Markup:
    """Names at the right end of their curves, moved apart where they would overlap."""
    ends = [(n, c, _series(versions, n)[-1][1]) for n, c in zip(names, classes, strict=True) if _series(versions, n)]
    places = spread([y(value) for _, _, value in ends], 16, _TOP + 4, _TOP + _PLOT)
    left = WIDTH - _RIGHT + 12
    return join(
        join([
            element("circle", cx=left + 4, cy=place, r=4, class_=f"fill {class_}"),
            text(left + 14, place + 4, f"{shortened(name)} {percent(value)}", "t strong" if name == OVERALL else "t"),
        ])
        for (name, class_, value), place in zip(ends, places, strict=True)
    )  # fmt: skip


def _draw(versions: Sequence[VersionFact], groups: Sequence[str]) -> Markup:
    x = Scale(-0.15, max(0.15, len(versions) - 0.85), _LEFT, WIDTH - _RIGHT)
    y = Scale(0, 1, _TOP + _PLOT, _TOP)
    names = [*groups, OVERALL] if len(groups) <= _MOST_LINES else [OVERALL]
    classes = [*(f"g-{i}" for i in range(len(names) - 1)), "g-all"]
    grid = [
        join([line(_LEFT, y(s / 100), WIDTH - _RIGHT, y(s / 100), "grid"),
              text(_LEFT - 8, y(s / 100) + 4, f"{s} %", "t faint", "end")])
        for s in (0, 25, 50, 75, 100)
    ]  # fmt: skip
    every = max(1, len(versions) // 14)
    axis = [
        text(x(i), _TOP + _PLOT + 20, version_name(v.number), "t", "middle")
        for i, v in enumerate(versions)
        if i % every == 0
    ]
    curves = [_curve(versions, n, c, x, y) for n, c in zip(names, classes, strict=True)]
    return drawing(
        "Accuracy per version, overall and per group", _TOP + _PLOT + 30, *grid, *curves,
        _labels(versions, names, classes, y), *axis,
    )  # fmt: skip


def _cell(version: VersionFact, group: str, parents: dict[int, VersionFact]) -> Markup:
    value = version.accuracy if group == OVERALL else version.accuracy_by_group.get(group)
    if value is None:
        return element("td", "–", class_="heat none")
    parent = parents.get(version.parent) if version.parent is not None else None
    old = None if parent is None else parent.accuracy if group == OVERALL else parent.accuracy_by_group.get(group)
    change = (
        element("small", points(100 * (value - old)), class_="up" if value >= old else "down")
        if old is not None
        else Markup()
    )
    share = round(100 * min(1.0, max(0.0, value)))
    return element("td", element("b", percent(value)), change, class_="heat", style=f"--share:{share}%")


def _heat(versions: Sequence[VersionFact], groups: Sequence[str], active: float | None) -> Markup:
    """A table of groups by versions: the darker the better, with the change against the parent version."""
    parents = {v.number: v for v in versions}
    names = [version_name(v.number) + (" (active)" if v.number == active else "") for v in versions]
    head = [element("th", name, scope="col") for name in ("Group", *names)]
    body = [
        element("tr", element("th", group, scope="row"), *(_cell(v, group, parents) for v in versions))
        for group in [OVERALL, *groups]
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_="heatmap")
    return element("div", table, class_="scroll")


def _finding(versions: Sequence[VersionFact], active: float | None) -> str:
    told = [v for v in versions if v.accuracy is not None]
    if len(told) < 2 or told[0].accuracy is None:
        return ""
    best = max(told, key=lambda v: v.accuracy or 0.0)
    last = next((v for v in told if v.number == active), told[-1])
    words = f"The base model answered {percent(told[0].accuracy)} of the held-out questions; "
    words += f"the active version {version_name(last.number)} answers {percent(last.accuracy)}."
    if best.number != last.number:
        words += f" The best was {version_name(best.number)} with {percent(best.accuracy)}."
    return words


def accuracy_figure(facts: Facts) -> Figure:
    """Draw accuracy per version; a group that rises was learned, one that falls is being forgotten."""
    versions, title = facts.versions, "Learning the new, keeping the old"
    if not any(_series(versions, g) for g in [OVERALL, *_groups(versions)]):
        return Figure(
            "accuracy",
            title,
            "No version was evaluated in this run, so there is nothing to draw here.",
            Markup(),
        )
    groups = _groups(versions)
    sentence = (
        "The share of held-out questions answered rightly, for the untouched base model and after every "
        "version: a line that "
        "rises is a group of conditions being learned, a line that falls is one being forgotten."
    )
    body = join(
        [element("div", _draw(versions, groups), class_="scroll"), _heat(versions, groups, facts.active_version)]
    )
    numbers = Numbers(
        ["Version", OVERALL, *groups],
        [[version_name(v.number), percent(v.accuracy, 1), *(percent(v.accuracy_by_group.get(g), 1) for g in groups)]
         for v in versions],
    )  # fmt: skip
    return Figure("accuracy", title, sentence, body, _finding(versions, facts.active_version), numbers=numbers)

"""Figure: the accuracy matrix of every arm, periods across, versions down: the darker the better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ccit.experiment.charts import named
from ccit.experiment.metrics import Arm, mean_matrix
from ccit.report.svg import element, join
from ccit.report.words import Figure, percent, points


def matrices_figure(arms: Mapping[Arm, Sequence[Mapping[str, Any]]]) -> Figure:
    """One table for each arm: mean accuracy over the seeds, with the change since the row above."""
    body = join(
        join([element("h3", named(arm), style="margin-top:18px"), _table(mean_matrix(own), own[0]["periods"])])
        for arm, own in arms.items()
    )
    sentence = (
        "Each row is the version that was active when a period ended. Down a column one sees a period's questions "
        "being learned in the row of its own end, and kept or forgotten below it; above is what was known before it "
        "had begun."
    )
    return Figure("matrix", "Learned and kept, period by period", sentence, body)


def _table(matrix: Sequence[Sequence[float | None]], periods: Sequence[str]) -> Markup:
    head = [element("th", cell, scope="col") for cell in ("Active version", *periods)]
    rows = [
        element(
            "tr",
            element("th", "untrained" if number == 0 else f"after {periods[number - 1]}", scope="row"),
            *(_cell(value, matrix[number - 1][j] if number else None) for j, value in enumerate(row)),
        )
        for number, row in enumerate(matrix)
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows), class_="heatmap")
    return element("div", table, class_="scroll")


def _cell(value: float | None, before: float | None) -> Markup:
    if value is None:
        return element("td", "\u2013", class_="heat none")
    change = (
        Markup()
        if before is None
        else element("small", points(100 * (value - before)), class_="up" if value >= before else "down")
    )
    share = round(100 * min(1.0, max(0.0, value)))
    return element("td", element("b", percent(value)), change, class_="heat", style=f"--share:{share}%")

"""The page of an experiment: one self-contained HTML file, with the look of every report of ccit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import ccit.report
from ccit.experiment.charts import costs_chart, curves_chart, dots_chart, named
from ccit.experiment.matrices import matrices_figure
from ccit.experiment.metrics import MEASURES, Arm, Interval, by_arm, over_seeds, paired
from ccit.report.svg import clean, element, join
from ccit.report.words import NOT_MEASURED, Figure, Key, Numbers, big, number

_STYLE = Path(str(ccit.report.__file__)).parent / "page.css"
_DOTS = ("average", "backward", "forward", "forgetting", "general_lost")
_SENTENCES = {
    "average": "Mean accuracy over the questions of all periods, with the version that is active in the end.",
    "backward": "What later periods have done to earlier ones: left of zero is a loss.",
    "forward": "What is known of a period before it begins, against the untrained model.",
    "forgetting": "A period's best accuracy before the end, minus that in the end: right of zero is a loss.",
    "general_lost": "Accuracy on the general suite: that of the untrained model, minus that in the end.",
}
Lines = Sequence[Mapping[str, Any]]


def _writable(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, finalize=_writable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def render_experiment(title: str, lines: Lines) -> str:
    """The page.

    Parameters
    ----------
    lines : Sequence[Mapping]
        Lines of `results.jsonl`; those that failed are told and counted in no mean.

    Returns
    -------
    str
        A complete HTML document; all text from data is escaped.

    >>> "&lt;x&gt;" in render_experiment("<x>", [])
    True
    """
    arms = by_arm(lines)
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return _environment().get_template("page.html.jinja").render(
        style=style, title=title, story=_story(lines, arms), figures=_figures(arms) if arms else []
    )  # fmt: skip


def _story(lines: Lines, arms: Mapping[Arm, Lines]) -> str:
    seeds = {line["at"]["seed"] for line in lines}
    failed = [line for line in lines if line["failed"]]
    counts = ((len(lines), "cell"), (len(arms), "arm"), (len(seeds), "seed"))
    cells, own, drawn = (f"{number(count)} {what}{'' if count == 1 else 's'}" for count, what in counts)
    words = f"{cells}: {own} on {drawn}."
    if failed:
        first = ", ".join(f"{axis} {label}" for axis, label in failed[0]["at"].items())
        words += f" {number(len(failed))} of them could not be trained, as {first}: {failed[0]['failed']}."
    if len({line["code"] for line in lines}) > 1:
        words += " They were made by different code: compare them with care."
    return words


def _figures(arms: Mapping[Arm, Lines]) -> list[Figure]:
    found = {arm: over_seeds(own) for arm, own in arms.items()}
    return [_table(arms, found), *_dots(found), matrices_figure(arms), _curves(arms), _costs(arms)]


def written(interval: Interval, key: str) -> str:
    """A mean with the half width of its interval.

    >>> written(Interval(75.0, 70.0, 80.0), "average"), written(Interval(2.0, float("nan"), float("nan")), "forgetting")
    ('75.0 ± 5.0', '2.0')
    """
    if math.isnan(interval.mean):
        return NOT_MEASURED
    show = big if key in ("tokens", "flops") else "{:.1f}".format
    half = interval.half
    return show(interval.mean) if math.isnan(half) else f"{show(interval.mean)} \u00b1 {show(half)}"


def _table(arms: Mapping[Arm, Lines], found: Mapping[Arm, Mapping[str, Interval]]) -> Figure:
    first = next(iter(arms))
    columns = [f"{name}{f', {unit}' if unit else ''}" for name, _, unit in MEASURES.values()]
    heads = ["Arm", "Seeds", *columns, f"Average against {named(first)}, points"]
    rows = [
        [named(arm), str(len(own)), *(written(found[arm][key], key) for key in MEASURES),
         "" if arm == first else difference(paired(own, arms[first], "average"))]
        for arm, own in arms.items()
    ]  # fmt: skip
    head = element("tr", *(element("th", cell, scope="col") for cell in heads))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", c) for c in row[1:])) for row in rows]
    table = element("table", element("thead", head), element("tbody", *body), class_="plain")
    sentence = (
        "Each arm's mean over the seeds, with half of the interval of 95 % (Student's t) behind \u00b1. The last "
        "column compares with the first arm seed by seed, on the same stream."
    )
    return Figure("table", "What came out", sentence, table, _finding(found))


def difference(interval: Interval) -> str:
    """A difference with its interval.

    >>> difference(Interval(2.0, -1.0, 5.0))
    '+2.0 (-1.0 to +5.0)'
    """
    if math.isnan(interval.mean):
        return NOT_MEASURED
    ends = "" if math.isnan(interval.low) else f" ({interval.low:+.1f} to {interval.high:+.1f})"
    return f"{interval.mean:+.1f}{ends}"


def _finding(found: Mapping[Arm, Mapping[str, Interval]]) -> str:
    known = {arm: own["average"].mean for arm, own in found.items() if not math.isnan(own["average"].mean)}
    if len(known) < 2:
        return ""
    best = max(known, key=lambda arm: known[arm])
    least = min(known, key=lambda arm: found[arm]["forgetting"].mean)
    return (
        f"Best on average is {named(best)} with {known[best]:.1f} %; "
        f"{named(least)} forgot least ({found[least]['forgetting'].mean:.1f} points)."
    )


def _dots(found: Mapping[Arm, Mapping[str, Interval]]) -> list[Figure]:
    figures = []
    for key in _DOTS:
        name, _, unit = MEASURES[key]
        values = {arm: own[key] for arm, own in found.items()}
        if all(math.isnan(one.mean) for one in values.values()):
            continue
        body = dots_chart(f"{name}, {unit}", values, zero=key != "average")
        numbers = Numbers(["Arm", f"{name}, {unit}"], [[named(arm), written(v, key)] for arm, v in values.items()])
        figures.append(Figure(key, name, _SENTENCES[key], body, numbers=numbers))
    return figures


def _curves(arms: Mapping[Arm, Lines]) -> Figure:
    sentence = (
        "Accepted samples that no round has been made of yet, over the records that were decided: the area under this "
        "curve is what training late costs (Modyn, arXiv 2312.06254). One seed of each arm is drawn."
    )
    return Figure("untrained", "What waited untrained", sentence, curves_chart(arms))


def _costs(arms: Mapping[Arm, Lines]) -> Figure:
    names = (("scoring", "c-score"), ("training", "c-train"), ("mixing", "c-other"), ("evaluation", "c-eval"))
    legend = [Key(class_, name.capitalize()) for name, class_ in names]
    halves = [costs_chart(arms, names, what) for what in ("tokens", "flops")]
    rows = [
        [named(arm), *(big(sum(line["spend"][name][what] for line in own) / len(own)) for name, _ in names
                       for what in ("tokens", "flops"))]
        for arm, own in arms.items()
    ]  # fmt: skip
    columns = ["Arm", *(f"{name.capitalize()}, {what}" for name, _ in names for what in ("tokens", "FLOPs"))]
    sentence = (
        "Tokens that models read and estimated floating-point operations, mean over the seeds. Training is the "
        "stream's own samples, mixing what replay and general samples cost beside them."
    )
    return Figure("costs", "What it cost", sentence, join(halves), legend=legend, numbers=Numbers(columns, rows))

"""Figure: what scoring, training and evaluation cost, beside training on everything that came."""

from __future__ import annotations

from markupsafe import Markup

from ccit.report.facts import ComputeFact, Facts
from ccit.report.svg import element, join
from ccit.report.words import Figure, big, percent


def saving_of(compute: ComputeFact) -> float | None:
    """The summary's own figure; from the two totals where it has none."""
    if compute.saving is not None:
        return compute.saving
    if compute.flops is None or not compute.accept_all_flops:
        return None
    return 1 - compute.flops / compute.accept_all_flops


def _bar(label: str, value: float | None, most: float, class_: str, note: str) -> Markup:
    width = 0.0 if value is None or most <= 0 else 100 * max(0.0, value) / most
    bar = element("span", element("i", style=f"width:{width:.1f}%", class_=class_), class_="bar")
    return element(
        "tr", element("th", label, element("small", note), scope="row"), element("td", bar, class_="wide"),
        element("td", big(value), class_="n strong"),
    )  # fmt: skip


def _table(title: str, rows: list[tuple[str, float | None, str, str]]) -> Markup:
    most = max((value or 0.0 for _, value, _, _ in rows), default=0.0)
    body = join(_bar(label, value, most, class_, note) for label, value, class_, note in rows)
    return element(
        "div",
        element("h3", title),
        element("table", element("tbody", body), class_="bars"),
        class_="half scroll",
    )


def _finding(saving: float | None) -> str:
    if saving is None:
        return "The saving was not measured."
    if saving >= 0.0005:
        return f"Selecting cost {percent(saving, 1)} less than training on everything, scoring and evaluation included."
    if saving > -0.0005:
        return "Selecting cost as much as training on everything."
    more = percent(-saving, 1)
    return f"Selecting cost {more} more than training on everything would have: it did not pay in this run."


def compute_figure(facts: Facts) -> Figure:
    """Show tokens per activity, and the total work beside accept-all; a negative saving is shown as it is."""
    c, title = facts.compute, "What it cost"
    known = (c.scoring_tokens, c.training_tokens, c.evaluation_tokens, c.flops, c.accept_all_flops)
    if all(value is None for value in known):
        return Figure(
            "compute",
            title,
            "The cost of this run was not measured, so there is nothing to draw here.",
            Markup(),
        )
    tokens = _table("Tokens read by a model", [
        ("Scoring", c.scoring_tokens, "c-score", "small model, every record that gets so far"),
        ("Training", c.training_tokens, "c-train", "both models, accepted and general data"),
        ("Evaluation", c.evaluation_tokens, "c-eval", "judging candidates"),
    ])  # fmt: skip
    flops = _table("Estimated floating-point operations", [
        ("This run", c.flops, "c-all", "scoring, training on all that was let in, evaluation"),
        ("Accept everything", c.accept_all_flops, "c-other", "no scoring, training on all that came but copies"),
    ])  # fmt: skip
    sentence = (
        "The left side counts the tokens (word pieces) that models had to read for each activity; the "
        "right side sets the whole "
        "work beside what training on every record but exact copies would have taken. Scoring is paid for, "
        "and so is the training of what was let in and still waits for a round."
    )
    return Figure("compute", title, sentence, element("div", tokens, flops, class_="halves"), _finding(saving_of(c)))

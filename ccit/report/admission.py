"""Figure: who was let in, by the truth that the simulated hospital knows about each record."""

from __future__ import annotations

from markupsafe import Markup

from ccit.report.facts import Facts
from ccit.report.svg import element, join
from ccit.report.words import KINDS, Figure, kind_label, number, percent

_WISH = {"in": "let in", "few": "let in a few", "out": "keep out", "": "not stated"}


def _row(kind: str, came: float, accepted: float) -> Markup:
    _, meaning, wish = KINDS.get(kind, ("", "", ""))
    share = accepted / came if came else 0.0
    bar = element(
        "span",
        element("i", style=f"width:{100 * min(1.0, max(0.0, share)):.1f}%"),
        class_=f"bar wish-{wish or 'none'}",
    )
    name = element("th", kind_label(kind), element("small", meaning), scope="row")
    return element(
        "tr", name, element("td", _WISH[wish], class_="wish"), element("td", number(came), class_="n"),
        element("td", number(accepted), class_="n"), element("td", bar, class_="wide"),
        element("td", percent(share) if came else "–", class_="n strong"),
    )  # fmt: skip


def _finding(facts: Facts) -> str:
    wanted = [v for k, v in facts.truth.items() if KINDS.get(k, ("", "", ""))[2] == "in"]
    unwanted = [v for k, v in facts.truth.items() if KINDS.get(k, ("", "", ""))[2] == "out"]
    came, through = sum(v[0] for v in unwanted), sum(v[1] for v in unwanted)
    if not came or not sum(v[0] for v in wanted):
        return ""
    clean = sum(v[1] for v in wanted) / sum(v[0] for v in wanted)
    words = f"{number(through)} of {number(came)} faulty or copied records ({percent(through / came, 1)}) came through"
    wrong_in, wrong_through = facts.truth.get("wrong_answer", (0.0, 0.0))
    if wrong_in:
        words += f", among them {number(wrong_through)} of {number(wrong_in)} wrong answers"
    return f"{words}; {percent(clean)} of the clean ones were let in."


def admission_figure(facts: Facts) -> Figure:
    """Show for each kind of record how many came and how many were let in."""
    title = "Who was let in"
    if not facts.truth:
        words = "Nobody knows the truth about the records of this run (real data does not carry it)."
        return Figure("admission", title, words, Markup())
    order = [k for k in KINDS if k in facts.truth] + sorted(k for k in facts.truth if k not in KINDS)
    heads = ("Kind of record", "One would", "Came", "Let in", "Share let in", "")
    classes = (None, "wish", "n", "n", None, None)
    head = element("tr", *(element("th", h, scope="col", class_=c) for h, c in zip(heads, classes, strict=True)))
    rows = join(_row(kind, *facts.truth[kind]) for kind in order)
    table = element("table", element("thead", head), element("tbody", rows), class_="admission")
    sentence = (
        "The simulated hospital knows the truth about each record, though the system did not see it: a "
        "good filter has long bars "
        "where one would let records in and short ones where one would keep them out."
    )
    return Figure("admission", title, sentence, element("div", table, class_="scroll"), _finding(facts))

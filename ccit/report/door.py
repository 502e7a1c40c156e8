"""Figure: the hospital's door, from messages that name people to samples trained on, and the look for leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ccit.report.facts import DoorFact, Facts
from ccit.report.svg import element, join
from ccit.report.words import Figure, Numbers, number, spoken

_FORMS = {"hl7v2": "HL7 v2", "fhir": "FHIR"}


@dataclass(frozen=True, slots=True)
class _Step:
    """One row of the funnel: what is counted, how many, what is said of it."""

    label: str
    count: float | None
    note: str
    class_: str = "c-all"


def _listed(counts: Mapping[str, float], most: int = 6) -> str:
    """`name 232, date 582`, the largest first."""
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    shown = ", ".join(f"{spoken(name)} {number(count)}" for name, count in ordered[:most])
    return f"{shown}, ..." if len(ordered) > most else shown


def _steps(door: DoorFact, facts: Facts) -> Sequence[_Step]:
    refused = {code: count for code, count in door.answers.items() if code not in ("AA", "CA")}
    messages = {_FORMS.get(form, form): count for form, count in door.messages.items()}
    documents = dict(door.documents)
    again, held = documents.pop("sent_again", 0.0), documents.pop("held_back", 0.0)
    return (
        _Step("Messages that came", sum(door.messages.values()), _listed(messages)),
        _Step("refused at once", sum(refused.values()), _listed(refused) or "none", "c-other"),
        _Step("not readable", sum(door.unreadable.values()), _listed(door.unreadable) or "none", "c-other"),
        _Step("sent again", again, "known by their bytes, read once", "c-other"),
        _Step("Documents in them", sum(documents.values()) + held, _listed(documents)),
        _Step("held back", held, "a second look found somebody after masking", "c-other"),
        _Step("Rows made, without a model", sum(door.rows.values()), _listed(door.rows)),
        _Step("not made", sum(door.refused_rows.values()), _listed(door.refused_rows) or "none", "c-other"),
        _Step("Samples decided", facts.decided, ""),
        _Step("Samples let in", facts.accepted, ""),
        _Step("Samples trained on", facts.trained, f"promoted versions: {number(facts.promoted)}"),
    )


def _row(step: _Step, most: float) -> Markup:
    width = 100 * max(0.0, step.count or 0.0) / most if most else 0.0
    bar = element("span", element("i", style=f"width:{width:.1f}%", class_=step.class_), class_="bar")
    return element(
        "tr", element("th", step.label, element("small", step.note), scope="row"), element("td", bar, class_="wide"),
        element("td", number(step.count), class_="n strong"),
    )  # fmt: skip


def _table(title: str, steps: Sequence[_Step]) -> Markup:
    most = max((step.count or 0.0 for step in steps), default=0.0)
    body = element("tbody", join(_row(step, most) for step in steps))
    return element("div", element("h3", title), element("table", body, class_="bars"), class_="half scroll")


def _finding(door: DoorFact) -> str:
    if door.leaks is None:
        return "Nobody looked for the people's names in what this run wrote."
    held = f"{number(door.on_clinical)} names, numbers and addresses"
    if not door.leaks:
        looked = f"{number(door.places)} other places ({number(door.bytes_searched)} bytes)"
        return f"The search finds {held} on the topic clinical, where they belong, and 0 of them in {looked}."
    where = ", ".join(f"{place} ({number(count)})" for place, count in sorted(door.leaks.items()))
    return f"LEAKED: {number(door.leaked)} times one of the {held} that the messages held, in {where}."


def door_figure(door: DoorFact, facts: Facts) -> Figure:
    """Show what became of messages at each step, what was masked, and whether anybody was found behind it."""
    masked = [_Step(spoken(kind), count, "") for kind, count in sorted(door.identifiers.items(), key=lambda m: -m[1])]
    halves = _table("From message to sample", _steps(door, facts)), _table("Identifiers masked", masked)
    sentence = (
        "Messages named invented people. What names them ends at de-identification; every topic behind it, every log, "
        "metric and file of the run were searched for each name, number and address, in base64 too."
    )
    leaks = [[place, number(count)] for place, count in sorted((door.leaks or {}).items())]
    numbers = Numbers(["Found in", "Names and numbers"], leaks) if leaks else None
    body = element("div", *halves, class_="halves")
    return Figure("door", "At the hospital's door", sentence, body, _finding(door), numbers=numbers)

"""The page's head: what this is, in one paragraph, and the key figures as tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.report.compute import saving_of
from ccit.report.facts import Facts
from ccit.report.words import NOT_MEASURED, duration, number, percent, points, version_name


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure: its name, its value, what to compare it with, and whether it came out well ("", good, bad)."""

    label: str
    value: str
    note: str
    tone: str = ""


def _accuracy(facts: Facts) -> Tile:
    label = "Right answers, active version"
    told = {v.number: v.accuracy for v in facts.versions if v.accuracy is not None}
    active = int(facts.active_version) if facts.active_version is not None else max(told, default=0)
    if active not in told:
        return Tile(label, NOT_MEASURED, "")
    if 0 not in told or active == 0:
        return Tile(label, percent(told[active]), "the base model")
    change = 100 * (told[active] - told[0])
    return Tile(
        label,
        percent(told[active]),
        f"base: {percent(told[0])}, {points(change)}",
        "good" if change > 0 else "bad",
    )


def _forgetting(facts: Facts) -> Tile:
    told = [v for v in facts.versions if v.number and v.forgetting_pp is not None]
    worst = max(told, key=lambda v: v.forgetting_pp or 0.0, default=None)
    if worst is None or worst.forgetting_pp is None:
        return Tile("Most forgotten in one version", NOT_MEASURED, "general ability")
    return Tile(
        "Most forgotten in one version",
        points(worst.forgetting_pp),
        f"general ability, {version_name(worst.number)}",
    )


def _saving(facts: Facts) -> Tile:
    saving = saving_of(facts.compute)
    if saving is None:
        return Tile("Compute saved", NOT_MEASURED, "")
    return Tile("Compute saved", percent(saving, 1), "against training on everything", "good" if saving > 0 else "bad")


def _counted(value: float | None, words: str) -> str:
    return "" if value is None else f"{number(value)} {words}"


def _listed(*parts: str) -> str:
    return ", ".join(p for p in parts if p)


def _accepted(facts: Facts) -> Tile:
    came = "" if facts.records_in is None else f"of {number(facts.records_in)} records"
    if facts.accepted is not None and facts.records_in:
        came += f" ({percent(facts.accepted / facts.records_in)})"
    return Tile("Accepted", number(facts.accepted), _listed(came, _counted(facts.dead_lettered, "unreadable")))


def tiles(facts: Facts) -> Sequence[Tile]:
    """The figures that a reader looks for first; those that came out badly are marked so."""
    tone = "" if facts.failed is None else "bad" if facts.failed else "good"
    requests = "" if facts.requests is None else f"of {number(facts.requests)}"
    wrong = facts.truth.get("wrong_answer")
    counts = _listed(
        _counted(facts.rounds, "round" if facts.rounds == 1 else "rounds"), _counted(facts.held, "held back")
    )
    shown = [
        _accepted(facts),
        Tile("Versions promoted", number(facts.promoted), counts),
        _accuracy(facts),
        _forgetting(facts),
        Tile("Requests failed", number(facts.failed), requests, tone),
        Tile("Rollback", duration(facts.rollback_seconds), _rollback(facts)),
        _saving(facts),
    ]
    if facts.door is not None:
        leaked = facts.door.leaked
        tone = "" if leaked is None else "bad" if leaked else "good"
        note = f"of {number(facts.door.on_clinical)} that messages held"
        shown.insert(0, Tile("Names and numbers behind the door", number(leaked), note, tone))
    if facts.by_lot is not None:
        came, accepted = facts.by_lot
        note = f"of {number(came)} drawn; whether the policy beats them is not measured"
        shown.insert(1, Tile("Let in by lot (control arm)", number(accepted), note))
    if wrong:
        shown.insert(1, Tile("Wrong answers let in", number(wrong[1]), f"of {number(wrong[0])} that came"))
    return shown


def _rollback(facts: Facts) -> str:
    if facts.rollback_from is None or facts.rollback_to is None:
        return "none in this run"
    return f"{version_name(facts.rollback_from)} back to {version_name(facts.rollback_to)}"

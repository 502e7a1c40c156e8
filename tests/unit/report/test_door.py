"""The figure of the hospital's door: each step with its count, and a leak that nobody can read past."""

from __future__ import annotations

from typing import Any

from ccit.report.door import door_figure
from ccit.report.facts import read_summary
from ccit.report.header import tiles
from ccit.report.history import History
from ccit.report.render import render_report
from ccit.report.words import Figure

LEAKS = {"planted": 667, "on_clinical": 541, "places": 31, "bytes": 2_000_000, "found": {}}
DOOR: dict[str, Any] = {
    "messages": {"hl7v2": 380, "fhir": 230},
    "answers": {"AA": 361, "AR": 12, "AE": 7},
    "unreadable": {"not_json": 5},
    "documents": {"written": 560, "held_back": 11, "sent_again": 9, "withdrawn": 3},
    "identifiers": {"name": 512, "date": 1203},
    "rows": {"entry": 560, "medication.v1.en": 44},
    "refused_rows": {"identifying": 2},
    "leaks": LEAKS,
}
RECORDS = {"in": 604, "decided": 604, "accepted": 300, "trained": 160}


def drawn(door: dict[str, Any]) -> Figure:
    facts = read_summary({"records": RECORDS, "door": door})
    assert facts.door is not None
    return door_figure(facts.door, facts)


def test_every_step_from_message_to_sample_has_its_count() -> None:
    figure = drawn(DOOR)
    rows = [row.split("</tr>")[0] for row in figure.body.split("<tr>")[1:]]
    shown = {row.split("<small>")[0].removeprefix('<th scope="row">'): row for row in rows}
    counts = {label: row.rpartition('class="n strong">')[2].partition("</td>")[0] for label, row in shown.items()}
    assert counts == {
        "Messages that came": "610",
        "refused at once": "19",
        "not readable": "5",
        "sent again": "9",
        "Documents in them": "574",
        "held back": "11",
        "Rows made, without a model": "604",
        "not made": "2",
        "Samples decided": "604",
        "Samples let in": "300",
        "Samples trained on": "160",
        "date": "1,203",
        "name": "512",
    }
    assert figure.finding == (
        "The search finds 541 names, numbers and addresses on the topic clinical, where they belong, "
        "and 0 of them in 31 other places (2,000,000 bytes)."
    )


def test_a_leak_is_shouted_and_named() -> None:
    door = DOOR | {"leaks": LEAKS | {"found": {"topic ccit.raw": 2, "logs/clinical.log": 1}}}
    figure = drawn(door)
    assert figure.finding.startswith("LEAKED: 3 times one of the 541")
    assert "logs/clinical.log (1)" in figure.finding
    assert figure.numbers is not None
    (tile,) = [tile for tile in tiles(read_summary({"door": door})) if "behind the door" in tile.label]
    assert (tile.value, tile.tone) == ("3", "bad")


def test_no_look_is_no_clean_bill() -> None:
    figure = drawn({"messages": {"fhir": 1}})
    assert "Nobody looked" in figure.finding
    (tile,) = [
        tile for tile in tiles(read_summary({"door": {"rows": {}} | DOOR | {"leaks": {}}})) if "door" in tile.label
    ]
    assert (tile.value, tile.tone) == ("not measured", "")


def test_the_page_has_the_figure_where_messages_came_through_the_door_alone() -> None:
    assert 'id="door"' in render_report({"records": RECORDS, "door": DOOR}, History())
    assert 'id="door"' not in render_report({"records": RECORDS}, History())

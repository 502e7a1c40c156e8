"""Figure: how far the small model that selects agrees with the model that is deployed."""

from __future__ import annotations

from markupsafe import Markup

from ccit.records import Concordance
from ccit.report.facts import Facts
from ccit.report.svg import element, join
from ccit.report.words import Figure, number, percent, version_name

_HEADS = ("Version", "Scored by both", "Rank correlation", "Interval (95 %)", "Overlap of the top thirds")


def _row(found: Concordance) -> Markup:
    cells = (
        number(found.pairs),
        f"{found.correlation:.2f}",
        f"{found.low:.2f} to {found.high:.2f}",
        percent(found.overlap),
    )
    name = element("th", version_name(found.version), scope="row")
    return element("tr", name, *(element("td", cell, class_="n") for cell in cells))


def proxy_audit_figure(facts: Facts) -> Figure:
    """Show the proxy audit, version by version; only for a run that made one."""
    head = element("tr", *(element("th", name, scope="col") for name in _HEADS))
    table = element(
        "table", element("thead", head), element("tbody", join(map(_row, facts.proxy_audit))), class_="plain"
    )
    sentence = (
        "The small model decides what is learned, for it is cheap. A share of the records, drawn by lot, was scored by "
        "the deployed model too: near 1 both rank them alike; chance gives 0, and a third for the overlap."
    )
    least = min(facts.proxy_audit, key=lambda found: found.correlation)
    where = version_name(least.version)
    finding = f"They agree least under {where}: {least.correlation:.2f} on {number(least.pairs)} records."
    return Figure("proxy-audit", "Whether the small model judges as the large one does", sentence, table, finding)

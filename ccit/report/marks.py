"""The vertical marks of version changes that the figures over time share: a labelled line per announcement."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ccit.report.history import AnnouncementRow
from ccit.report.svg import Scale, hot, join, lanes, line, rect, text
from ccit.report.words import duration, version_name

_LANE, _GAP = 17, 6  # units: height of one row of labels, space between labels and plot


def version_marks(
    rows: Sequence[AnnouncementRow], places: Sequence[float], x: Scale, top: float, plot: float
) -> tuple[Markup, float]:
    """Mark version changes on a plot.

    Parameters
    ----------
    rows, places : Sequence
        The announcements, and where each lies on the drawing.
    x : Scale
        Its ends keep the labels on the drawing.
    top, plot : float
        Where the labels may begin, and the height of the plot below them.

    Returns
    -------
    tuple[Markup, float]
        The marks, and where the plot begins below as many rows of labels as were needed.
    """
    names = [("\u21a9 " if a.kind == "rolled_back" else "") + version_name(a.version) for a in rows]
    widths = [14.0 + 7.5 * len(n) for n in names]
    centres = [min(max(p, x.start + w / 2), x.end - w / 2) for p, w in zip(places, widths, strict=True)]
    chosen = lanes(centres, widths)
    start = top + _LANE * (max(chosen, default=-1) + 1) + _GAP
    pieces = []
    for row, place, centre, name, lane, width in zip(rows, places, centres, names, chosen, widths, strict=True):
        kind = "back" if row.kind == "rolled_back" else "promoted"
        y = top + _LANE * lane
        what = "rolled back to" if kind == "back" else "promoted:"
        tip = f"{duration(row.at)} into the run, {what} {version_name(row.version)}"
        stem = [line(place, y + 13, place, start + plot, class_) for class_ in ("halo", f"mark {kind}")]
        label = rect(centre - width / 2, y - 2, width, 15, f"pill {kind}", rx=7.5)
        pieces.append(hot(tip, *stem, label, text(centre, y + 9.5, name, "t pill-text", "middle")))
    return join(pieces), start

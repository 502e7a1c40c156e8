"""From a summary and a history to one self-contained HTML page: no network, no external font, style or script."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ccit.report.accuracy import accuracy_figure
from ccit.report.admission import admission_figure
from ccit.report.compute import compute_figure
from ccit.report.door import door_figure
from ccit.report.facts import Facts, read_summary
from ccit.report.forgetting import forgetting_figure
from ccit.report.header import tiles
from ccit.report.history import History
from ccit.report.ifd import ifd_figure
from ccit.report.lineage import lineage_figure
from ccit.report.proxy_audit import proxy_audit_figure
from ccit.report.serving import serving_figure
from ccit.report.stream import stream_figure
from ccit.report.svg import clean
from ccit.report.words import NOT_MEASURED, Figure, duration, number, version_name

_HERE = Path(__file__).parent


def _writable(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, finalize=_writable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def _figures(facts: Facts, history: History) -> list[Figure]:
    shown = [
        *([] if facts.door is None else [door_figure(facts.door, facts)]),
        accuracy_figure(facts),
        lineage_figure(facts, history),
        stream_figure(history),
        admission_figure(facts),
        ifd_figure(history),
        forgetting_figure(facts, history),
        serving_figure(facts, history),
        compute_figure(facts),
    ]
    return [*shown, proxy_audit_figure(facts)] if facts.proxy_audit else shown


def _story(facts: Facts) -> str:
    """What happened, in two sentences; what was not measured is left out."""
    took = "This run" if facts.seconds is None else f"In {duration(facts.seconds)} this run"
    did = [
        *([] if facts.records_in is None else [f"read {number(facts.records_in)} records"]),
        *([] if facts.accepted is None else [f"accepted {number(facts.accepted)} of them"]),
        *(
            []
            if facts.rounds is None
            else [f"finished {number(facts.rounds)} training {'round' if facts.rounds == 1 else 'rounds'}"]
        ),
    ]
    words = f"{took} {', '.join([*did, ''])}and " if did else f"{took} "
    words += f"promoted {number(facts.promoted)} version{'' if facts.promoted == 1 else 's'}."
    if facts.active_version is None:
        return words
    words += f" Now {version_name(facts.active_version)} is active"
    if facts.proxy_version is not None:
        same = facts.proxy_version == facts.active_version
        words += ", and the small scoring model "
        words += "follows it" if same else f"is at {version_name(facts.proxy_version)}"
    return words + "."


def render_report(summary: Mapping[str, Any], history: History) -> str:
    """Render the page.

    Parameters
    ----------
    summary : Mapping
        `summary.json` as DESIGN.md lists its fields; what is missing is shown as not measured.
    history : History
        What happened, row by row; may be empty.

    Returns
    -------
    str
        A complete HTML document, UTF-8 encodable; all text from data is escaped.

    >>> render_report({"seed": "<7>"}, History()).count("&lt;7&gt;") > 0
    True
    """
    facts = read_summary(summary)
    style = Markup((_HERE / "page.css").read_text(encoding="utf-8"))
    return _environment().get_template("page.html.jinja").render(
        style=style, not_measured=NOT_MEASURED, facts=facts, story=_story(facts),
        duration=duration(facts.seconds), tiles=tiles(facts), figures=_figures(facts, history),
    )  # fmt: skip

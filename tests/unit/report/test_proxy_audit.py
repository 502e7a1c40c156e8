from dataclasses import asdict
from typing import Any

from ccit.records import Concordance
from ccit.report.facts import read_summary
from ccit.report.history import History
from ccit.report.proxy_audit import proxy_audit_figure
from ccit.report.render import render_report

FOUND = [Concordance(0, 40, 0.91, 0.83, 0.95, 0.85), Concordance(2, 35, 0.42, 0.09, 0.67, 0.5)]


def test_each_version_has_its_row_and_the_weakest_is_named() -> None:
    figure = proxy_audit_figure(read_summary({"proxy_audit": [asdict(one) for one in FOUND]}))
    assert "0.83 to 0.95" in figure.body
    assert figure.finding == "They agree least under v2: 0.42 on 35 records."


def test_a_run_without_an_audit_has_no_such_figure_and_half_an_entry_is_none() -> None:
    half = [{"version": 1, "correlation": 0.5}]
    summaries: list[dict[str, Any]] = [{}, {"proxy_audit": []}, {"proxy_audit": half}, {"proxy_audit": "none"}]
    assert not any('id="proxy-audit"' in render_report(summary, History()) for summary in summaries)
    assert 'id="proxy-audit"' in render_report({"proxy_audit": [asdict(FOUND[0])]}, History())

from typing import Any

from ccit.report.facts import read_summary
from ccit.report.history import History
from ccit.report.lineage import lineage_figure


def test_versions_held_candidates_and_rollbacks_are_all_drawn(run: History, told: dict[str, Any]) -> None:
    body = lineage_figure(read_summary(told), run).body
    assert body.count('class="node promoted"') == 3
    assert body.count('class="node base"') == 1
    assert body.count('class="node held"') == 1
    assert body.count('class="node back"') == 1
    assert body.count('class="edge back"') == 1
    assert body.count('class="ring"') == 1


def test_without_history_the_summary_gives_the_line(told: dict[str, Any]) -> None:
    assert lineage_figure(read_summary(told), History()).body.count('class="node promoted"') == 3


def test_the_time_of_the_rollback_is_told(run: History, told: dict[str, Any]) -> None:
    assert lineage_figure(read_summary(told), run).finding == "The rollback from v3 to v2 took 620 ms."

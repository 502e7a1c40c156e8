from typing import Any

from ccit.report.facts import read_summary
from ccit.report.forgetting import forgetting_figure
from ccit.report.history import History


def test_every_round_is_told_with_its_verdict_and_interval(run: History, told: dict[str, Any]) -> None:
    figure = forgetting_figure(read_summary(told), run)
    assert figure.numbers is not None
    assert [row[:2] for row in figure.numbers.rows] == [
        ["Round 1 → v1", "promoted"],
        ["Round 2 → v2", "promoted"],
        ["Round 3", "not enough evidence"],
        ["Round 4 → v3", "promoted"],
    ]
    assert figure.numbers.rows[0][2] == "+21.0 pp (+16.0 pp to +26.0 pp)"
    assert "bound +5.0 pp" in figure.body


def test_without_rounds_the_summarys_forgetting_is_drawn(told: dict[str, Any]) -> None:
    figure = forgetting_figure(read_summary(told), History())
    assert figure.numbers is not None
    assert [row[3].split(" (")[0] for row in figure.numbers.rows] == ["+0.8 pp", "+1.6 pp", "−0.3 pp"]

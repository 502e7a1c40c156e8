from typing import Any

from ccit.report.accuracy import accuracy_figure
from ccit.report.facts import read_summary


def test_learning_and_forgetting_stand_beside_each_other(told: dict[str, Any]) -> None:
    figure = accuracy_figure(read_summary(told))
    assert "+62.0 pp" in figure.body
    assert "−8.0 pp" in figure.body
    assert "active version v2 answers 56 %. The best was v3" in figure.finding


def test_a_group_that_a_version_was_not_asked_about_is_left_empty(told: dict[str, Any]) -> None:
    del told["versions"][1]["accuracy_by_group"]["wave-2"]
    assert 'class="heat none"' in accuracy_figure(read_summary(told)).body


def test_many_groups_are_told_by_the_table_and_one_line(told: dict[str, Any]) -> None:
    for version in told["versions"]:
        version["accuracy_by_group"] = {f"ward {i}": 0.5 for i in range(12)}
    body = accuracy_figure(read_summary(told)).body
    assert body.count('class="curve') == 1
    assert body.count('scope="row"') == 13

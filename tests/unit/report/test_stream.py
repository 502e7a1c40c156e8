from collections import Counter

from ccit.report.history import AnnouncementRow, DeadLetterRow, DecisionRow, History
from ccit.report.stream import stream_figure


def test_the_table_counts_every_record_once(run: History) -> None:
    figure = stream_figure(run)
    assert figure.numbers is not None
    counted = sum(int(cell) for row in figure.numbers.rows for cell in row[1:])
    assert counted == len(run.decisions) + len(run.dead_letters)


def test_the_legend_counts_by_reason(run: History) -> None:
    counts = Counter(d.reason for d in run.decisions)
    labels = [key.label for key in stream_figure(run).legend]
    assert f"Accepted ({counts['accepted']:,})" in labels
    assert f"Dead letter ({len(run.dead_letters)})" in labels


def test_every_version_change_is_marked(run: History) -> None:
    body = stream_figure(run).body
    assert body.count('class="pill promoted"') == 3
    assert body.count('class="pill back"') == 1


def test_an_unknown_reason_has_its_own_place() -> None:
    figure = stream_figure(History([DecisionRow(1, 1.0, 0, "", "", False, "moon_phase")]))
    assert [key.label for key in figure.legend] == ["moon phase (1)"]


def test_dead_letters_alone_and_changes_before_the_first_record_are_drawn() -> None:
    history = History(
        dead_letters=[DeadLetterRow(5.0, 0, "garbage", "not_json")],
        announcements=[AnnouncementRow(0.0, "promoted", 1, 0, 1), AnnouncementRow(9.0, "rolled_back", 0, None, 2)],
    )
    assert "Dead letter (1)" in stream_figure(history).legend[0].label

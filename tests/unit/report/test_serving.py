from ccit.report.facts import read_summary
from ccit.report.history import AnnouncementRow, History, ServingRow
from ccit.report.serving import serving_figure, swap_times


def test_a_swap_lasts_until_the_first_good_answer_by_the_new_version() -> None:
    history = History(
        announcements=[
            AnnouncementRow(10, "promoted", 1, 0, 1),
            AnnouncementRow(20, "promoted", 2, 1, 2),
            AnnouncementRow(30, "rolled_back", 1, 0, 3),
        ],
        serving=[
            ServingRow(10.2, 0, True, 0.1),
            ServingRow(10.5, 1, False, 0.1),
            ServingRow(11.0, 1, True, 0.1),
            ServingRow(32.0, 1, True, 0.1),
        ],
    )
    assert [wait for _, wait in swap_times(history)] == [1.0, None, 2.0]


def test_failures_are_counted_from_the_rows_when_the_summary_is_silent() -> None:
    history = History(serving=[ServingRow(1, 0, True, 0.1), ServingRow(2, None, False, 3.0)])
    body = serving_figure(read_summary({}), history).body
    assert "verdict bad" in body
    assert "<b>1</b>" in body


def test_a_crowd_is_thinned_but_failures_and_the_slowest_stay() -> None:
    rows = [ServingRow(i / 100, 0, i % 500 != 7, 9.0 if i == 4001 else 0.1) for i in range(9000)]
    body = serving_figure(read_summary({}), History(serving=rows)).body
    assert body.count("dot-served") < 1700
    assert body.count('class="cross"') == 18
    assert "base, 9.0 s" in body

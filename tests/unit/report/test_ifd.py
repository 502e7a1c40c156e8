from dataclasses import replace

import numpy as np

from ccit.report.history import DecisionRow, History
from ccit.report.ifd import ifd_figure


def test_one_panel_per_proxy_with_its_medians(run: History) -> None:
    figure = ifd_figure(run)
    assert figure.numbers is not None
    assert [row[0] for row in figure.numbers.rows] == ["base", "v1", "v2", "v3"]
    for row in figure.numbers.rows:
        proxy = 0 if row[0] == "base" else int(row[0][1:])
        clean = [d.ifd for d in run.decisions if d.ifd and d.kind == "clean" and d.proxy_version == proxy]
        assert row[1:3] == [str(len(clean)), f"{np.median(clean):.3f}"]


def test_a_proxy_that_got_worse_is_called_worse() -> None:
    rows = [
        DecisionRow(i, i, 0, "clean", "", True, "accepted", 0.4 + 0.1 * (i % 2), proxy_version=i // 4) for i in range(8)
    ]
    rows += [DecisionRow(9, 9, 0, "wrong_answer", "", True, "accepted", 0.9, proxy_version=0)]
    rows += [DecisionRow(9, 9, 0, "wrong_answer", "", True, "accepted", 0.1, proxy_version=1)]
    assert "v1 tells wrong from clean answers worse than base: 0 % of pairs" in ifd_figure(History(rows)).finding


def test_many_proxies_show_the_first_and_the_latest(run: History) -> None:
    rows = [replace(d, proxy_version=i % 20) for i, d in enumerate(run.decisions)]
    figure = ifd_figure(History(rows))
    assert figure.numbers is not None
    assert [row[0] for row in figure.numbers.rows] == ["base", "v15", "v16", "v17", "v18", "v19"]

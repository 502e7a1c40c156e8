from ccit.report.compute import compute_figure, saving_of
from ccit.report.facts import read_summary


def test_the_saving_is_the_summarys_or_follows_from_the_totals() -> None:
    assert saving_of(read_summary({"compute": {"saving": 0.3, "flops": 9, "accept_all_flops": 9}}).compute) == 0.3
    assert saving_of(read_summary({"compute": {"flops": 3.0, "accept_all_flops": 4.0}}).compute) == 0.25
    assert saving_of(read_summary({"compute": {"flops": 3.0, "accept_all_flops": 0}}).compute) is None


def test_a_loss_is_called_a_loss() -> None:
    figure = compute_figure(read_summary({"compute": {"flops": 6.0, "accept_all_flops": 4.0}}))
    assert figure.finding.startswith("Selecting cost 50.0 % more")
    assert 'style="width:100.0%"' in figure.body


def test_nothing_saved_is_said_plainly() -> None:
    figure = compute_figure(read_summary({"compute": {"flops": 4.0, "accept_all_flops": 4.0}}))
    assert figure.finding == "Selecting cost as much as training on everything."

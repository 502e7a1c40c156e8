from ccit.report.admission import admission_figure
from ccit.report.facts import read_summary


def test_shares_and_the_wrong_answers_that_came_through_are_told() -> None:
    truth = {
        "wrong_answer": {"in": 10, "accepted": 3},
        "clean": {"in": 20, "accepted": 15},
        "odd": {"in": 0, "accepted": 0},
    }
    figure = admission_figure(read_summary({"truth": truth}))
    assert figure.finding == (
        "3 of 10 faulty or copied records (30.0 %) came through, among them 3 of 10 wrong answers; "
        "75 % of the clean ones were let in."
    )
    assert figure.body.index("Clean") < figure.body.index("Wrong answer") < figure.body.index(">odd<")
    assert 'style="width:75.0%"' in figure.body

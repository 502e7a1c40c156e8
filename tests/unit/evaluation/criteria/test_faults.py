import pytest

from ccit.evaluation.criteria.faults import Faults
from ccit.ports.evaluation import CriterionContext
from ccit.records import Finding, GradedAnswer, Spend, SuiteResults
from tests.judged import answers, evidence, gate, judged, results

FAULTS = Faults(Faults.Settings(), CriterionContext(("domain", "general")))


def found(after: int, before: int, baseline: int | None = None, n: int = 900) -> Finding:
    of = [results(answers(0, n, faulty)) for faulty in (after, before, before if baseline is None else baseline)]
    return FAULTS.finding(evidence(*of))


@pytest.mark.parametrize(
    ("after", "before", "outcome"),
    [
        (301, 300, "promote"),
        (0, 0, "promote"),
        (9, 0, "promote"),  # one in a hundred is allowed
        (12, 0, "not_enough_evidence"),
        (330, 300, "hold"),
        (60, 0, "hold"),
    ],
)
def test_faults_are_too_many_when_there_are_many_and_more_than_before(after: int, before: int, outcome: str) -> None:
    assert found(after, before).outcome == outcome


def test_one_more_fault_does_not_hold_a_gain() -> None:
    """301 faulty answers against 300 of 900, and 15 points of gain."""
    after, before = (results(answers(r, 900, f), answers(900, 1000)) for r, f in ((585, 301), (450, 300)))
    assert judged(after, before, gate()).outcome == "promote"


def test_other_faults_in_the_same_number_are_no_more_faults() -> None:
    after = results(tuple(GradedAnswer(f"q{i}", "g", 0.0, faulty=i >= 600) for i in range(900)))
    assert FAULTS.finding(evidence(after, results(answers(0, 900, 300)))).outcome == "promote"


def test_an_allowance_is_not_used_again_by_every_version() -> None:
    """Each of these makes 0.8 points more than the one before; only the first is near the baseline."""
    steps = [found(after, before=after - 8, baseline=20, n=1000).outcome for after in (28, 36, 38, 60)]
    assert steps == ["promote", "not_enough_evidence", "not_enough_evidence", "hold"]


def test_all_suites_count_and_one_that_the_baseline_was_not_asked_is_left_out() -> None:
    asked = SuiteResults({"domain": (), "general": answers(0, 500)}, 1.0, Spend())
    after = results(answers(0, 500, 250), answers(0, 500))
    before = results(answers(0, 500, 250), answers(0, 500))
    assert FAULTS.finding(evidence(after, before, asked)).outcome == "promote"
    assert FAULTS.finding(evidence(after, results(answers(0, 500), answers(0, 500)), asked)).outcome == "hold"

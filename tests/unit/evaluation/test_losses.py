import pytest

from ccit.errors import ConfigError
from ccit.evaluation.losses import LossBound, check_suites
from ccit.ports.evaluation import CriterionContext
from ccit.records import Spend, SuiteResults
from tests.judged import answers, evidence

BOUND = LossBound("forgetting", ("general", "safety"), 3.0)


def of_two(general: int, safety: int) -> SuiteResults:
    return SuiteResults({"general": answers(general, 1000), "safety": answers(safety, 1000)}, 1.0, Spend())


@pytest.mark.parametrize(
    ("general", "safety", "outcome", "said"),
    [
        (900, 900, "promote", "since the incumbent, within 3."),
        (900, 875, "not_enough_evidence", "Suite 'safety' seems to have lost 2.5 points"),
        (875, 860, "not_enough_evidence", "Suite 'safety' seems to have lost 4.0 points"),
        (800, 875, "hold", "since the incumbent, certainly beyond the bound"),
    ],
)
def test_the_worst_suite_speaks(general: int, safety: int, outcome: str, said: str) -> None:
    seen = evidence(of_two(general, safety), of_two(900, 900))
    found = BOUND.finding(seen, seen.incumbent, "the incumbent")
    assert (found.criterion, found.outcome) == ("forgetting", outcome)
    assert said in found.why


def test_a_small_suite_says_how_many_questions_it_lacks() -> None:
    few = SuiteResults({"general": answers(40, 50)}, 1.0, Spend())
    seen = evidence(few, few)
    found = LossBound("forgetting", ("general",), 3.0).finding(seen, few, "version 0")
    assert found.outcome == "not_enough_evidence"
    assert "50 questions cannot tell that from more than the bound of 3 points" in found.why
    assert "about 173 would be needed" in found.why


def test_only_a_suite_that_is_asked_can_be_named() -> None:
    check_suites(["general"], CriterionContext(("domain", "general")), "criteria.any.suites")
    with pytest.raises(ConfigError, match="expected a suite of"):
        check_suites(["general", "genral"], CriterionContext(("domain", "general")), "criteria.any.suites")

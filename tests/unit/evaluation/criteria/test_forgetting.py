from ccit.evaluation.criteria.forgetting import Forgetting
from ccit.ports.evaluation import CriterionContext
from ccit.records import Outcome
from tests.judged import answers, evidence, results

CONTEXT = CriterionContext(("domain", "general"))


def outcome(right: int, before: int = 900, n: int = 1000, baseline: int = 900, **settings: float) -> Outcome:
    own = Forgetting(Forgetting.Settings.model_validate(settings), CONTEXT)
    of = [results(general=answers(count, n)) for count in (right, before, baseline)]
    return own.finding(evidence(*of)).outcome


def test_the_whole_interval_must_be_within_the_bound() -> None:
    assert outcome(895) == "promote"
    assert outcome(875) == "not_enough_evidence"  # 2.5 points lost, and as well 4
    assert outcome(865) == "not_enough_evidence"
    assert outcome(800) == "hold"


def test_it_is_measured_from_the_incumbent_alone() -> None:
    assert outcome(700, before=700, baseline=900) == "promote"


def test_a_hundred_points_bound_nothing() -> None:
    assert outcome(0, before=1000, baseline=1000, max_points=100) == "promote"


def test_a_small_suite_proves_nothing() -> None:
    assert outcome(90, before=90, n=100) == "not_enough_evidence"

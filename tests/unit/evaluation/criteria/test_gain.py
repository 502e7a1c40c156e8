from ccit.evaluation.criteria.gain import Gain
from ccit.ports.evaluation import CriterionContext
from tests.judged import answers, evidence, graded, results

CONTEXT = CriterionContext(("domain", "general"))
GAIN = Gain(Gain.Settings(), CONTEXT)


def test_certainly_better_by_enough_is_promoted() -> None:
    found = GAIN.finding(evidence(results(answers(150, 200)), results(answers(100, 200))))
    assert found.outcome == "promote"
    assert found.estimate is not None
    assert found.estimate.points == 25


def test_a_small_gain_is_not_enough_evidence() -> None:
    found = GAIN.finding(evidence(results(answers(103, 200)), results(answers(100, 200))))
    assert found.outcome == "not_enough_evidence"
    assert "cannot be told from no gain" in found.why


def test_a_certain_gain_too_small_to_matter_is_not_promoted() -> None:
    after, before = results(graded([0.505] * 2000)), results(graded([0.5] * 2000))
    found = GAIN.finding(evidence(after, before))
    assert found.estimate is not None
    assert found.estimate.low > 0
    assert found.outcome == "not_enough_evidence"
    assert "below the 1 points" in found.why
    assert Gain(Gain.Settings(min_points=0.4), CONTEXT).finding(evidence(after, before)).outcome == "promote"


def test_clearly_worse_is_held() -> None:
    assert GAIN.finding(evidence(results(answers(100, 200)), results(answers(150, 200)))).outcome == "hold"


def test_the_gain_may_be_asked_of_another_suite() -> None:
    general = Gain(Gain.Settings(suite="general"), CONTEXT)
    after, before = results(answers(0, 200), answers(150, 200)), results(answers(200, 200), answers(100, 200))
    assert general.finding(evidence(after, before)).outcome == "promote"

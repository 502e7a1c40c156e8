import math

import pytest

from ccit.config import Evaluation as Settings
from ccit.errors import ConfigError
from ccit.evaluation.gate import confidence_of, gate_of, outcome_of
from ccit.records import Finding, Outcome, SuiteResults
from tests.judged import answers, gate, graded, judged, results


def answered(domain: int, general: int = 900, faulty: int = 0, loss: float = 1.0) -> SuiteResults:
    return results(answers(domain, 200, faulty), answers(general, 1000), loss)


def test_a_clear_gain_is_promoted_with_its_numbers() -> None:
    verdict = judged(answered(150), answered(100))
    assert verdict.outcome == "promote"
    assert verdict.gain.points == pytest.approx(25)
    assert verdict.accuracy == 0.75
    assert verdict.accuracy_by_group == {"g0": 0.75, "g1": 0.75}
    assert verdict.general_accuracy == 0.9
    assert verdict.confidence == pytest.approx(1 - 0.05 * 6 / math.pi**2)
    assert verdict.why.startswith("The gain is +25.0 points")


def test_every_criterion_says_what_it_found() -> None:
    verdict = judged(answered(150), answered(100))
    assert [f.criterion for f in verdict.findings] == [
        "faults",
        "finite_loss",
        "forgetting",
        "gain",
        "total_forgetting",
    ]
    assert {f.outcome for f in verdict.findings} == {"promote"}


def test_what_decided_is_said_and_nothing_else() -> None:
    verdict = judged(answered(103, general=500, loss=math.inf), answered(100))
    assert verdict.outcome == "hold"
    assert "not finite" in verdict.why
    assert "since the incumbent, certainly beyond" in verdict.why
    assert "cannot be told from no gain" not in verdict.why


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ((), "promote"),
        (("promote", "promote"), "promote"),
        (("promote", "not_enough_evidence"), "not_enough_evidence"),
        (("not_enough_evidence", "hold", "promote"), "hold"),
    ],
)
def test_the_verdict_follows_from_the_findings(said: tuple[Outcome, ...], outcome: Outcome) -> None:
    assert outcome_of(tuple(Finding("any", one, "") for one in said)) == outcome


def test_without_a_general_suite_nothing_is_promoted_unless_any_loss_will_do() -> None:
    better, before = results(answers(150, 200)), results(answers(100, 200))
    verdict = judged(better, before)
    assert verdict.outcome == "not_enough_evidence"
    assert "nothing bounds what was forgotten since the incumbent: set evaluation.suites.general" in verdict.why
    assert judged(before, better).outcome == "hold"
    unbounded = gate(forgetting={"max_points": 100}, total_forgetting={"max_points": 100})
    assert judged(better, before, unbounded).outcome == "promote"
    assert judged(better, before, gate(forgetting=False, total_forgetting=False)).outcome == "promote"


def test_holding_is_divided_among_the_tests_that_may_hold() -> None:
    """Alone, the test of the gain may spend all that five tests share otherwise."""
    alone = gate(faults=False, forgetting=False, total_forgetting=False)
    worse, before = results(graded([0.0] * 6 + [0.5] * 90)), results(graded([1.0] * 6 + [0.5] * 90))
    assert judged(worse, before, alone).outcome == "hold"
    assert judged(worse, before, gate()).outcome == "not_enough_evidence"


def test_nothing_asked_is_no_evidence() -> None:
    assert judged(results(), results()).outcome == "not_enough_evidence"


def test_a_criterion_about_a_suite_that_nobody_asks_is_refused() -> None:
    criteria = {"forgetting": {"suites": ["general", "cardiology"]}}
    with pytest.raises(ConfigError, match=r"forgetting\.suites: expected a suite .*domain, general.*'cardiology'"):
        gate_of(Settings.model_validate({"criteria": criteria}))
    named = Settings.model_validate({"criteria": criteria, "suites": {"cardiology": "cardiology.jsonl"}})
    assert len(gate_of(named).criteria) == 5


@pytest.mark.parametrize(("criterion", "needed"), [("forgetting", 173), ("total_forgetting", 104)])
def test_a_bound_that_so_few_questions_can_never_show_is_refused(criterion: str, needed: int) -> None:
    others = {other: False for other in ("forgetting", "total_forgetting") if other != criterion}
    settings = {"criteria": others, "max_questions": needed}
    assert gate_of(Settings.model_validate(settings))
    said = rf"max_questions = {needed - 1} .*{criterion}\.max_points .*takes {needed} questions"
    with pytest.raises(ConfigError, match=said):
        gate_of(Settings.model_validate({**settings, "max_questions": needed - 1}))


def test_the_budget_is_spent_once() -> None:
    assert sum(1 - confidence_of(k, 0.05) for k in range(1, 5000)) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match="from 1"):
        confidence_of(0, 0.05)

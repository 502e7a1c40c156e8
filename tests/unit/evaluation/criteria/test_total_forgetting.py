from ccit.evaluation.criteria.total_forgetting import TotalForgetting
from ccit.ports.evaluation import CriterionContext
from tests.judged import answers, evidence, gate, judged, results

CONTEXT = CriterionContext(("domain", "general"))


def test_it_is_measured_from_the_baseline_alone() -> None:
    total = TotalForgetting(TotalForgetting.Settings(), CONTEXT)
    found = total.finding(evidence(*(results(general=answers(right, 1000)) for right in (835, 840, 900))))
    assert found.outcome == "not_enough_evidence"
    assert "6.5 points" in found.why
    assert "since version 0, beyond the bound of 5 points" in found.why
    assert total.finding(evidence(*(results(general=answers(r, 1000)) for r in (895, 700, 900)))).outcome == "promote"


def test_eight_allowed_steps_lead_no_further_than_the_bound() -> None:
    """Each candidate learns a lot and loses 2.8 points; with the incumbent as the only measure, 90.0 became 67.6."""

    def line(**criteria: object) -> int:
        by, base = gate(**criteria), results(answers(100, 400), answers(1800, 2000))
        active = base
        for step in range(1, 9):
            candidate = results(answers(100 + 35 * step, 400), answers(1800 - 56 * step, 2000))
            if judged(candidate, active, by, baseline=base).outcome == "promote":
                active = candidate
        return 1800 - int(sum(a.credit for a in active.of("general")))

    step = {"forgetting": {"max_points": 4}}
    assert line(**step, total_forgetting=False) == 8 * 56
    assert line(**step) == 56  # 2.8 points: the second step would be at 5.6, beyond the bound of 5

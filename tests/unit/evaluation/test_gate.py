import math

import pytest

from ccit.config import Evaluation as Settings
from ccit.evaluation.gate import confidence_of, decide, paired_estimate
from ccit.records import Answer, Evaluation, Spend, Verdict

SETTINGS = Settings()


def answers(right: int, n: int, faulty: int = 0) -> tuple[Answer, ...]:
    return tuple(Answer(f"q{i}", f"g{i % 2}", float(i < right), faulty=i < faulty) for i in range(n))


def evaluation(domain: int, general: int = 90, faulty: int = 0, loss: float = 1.0) -> Evaluation:
    return Evaluation(answers(domain, 200, faulty), answers(general, 100), loss, Spend())


def judged(candidate: Evaluation, incumbent: Evaluation) -> Verdict:
    return decide(candidate, incumbent, SETTINGS, round_number=1)


def test_a_clear_gain_is_promoted_with_its_numbers() -> None:
    verdict = judged(evaluation(150), evaluation(100))
    assert verdict.outcome == "promote"
    assert verdict.gain.points == pytest.approx(25)
    assert verdict.accuracy == 0.75
    assert verdict.accuracy_by_group == {"g0": 0.75, "g1": 0.75}
    assert verdict.general_accuracy == 0.9
    assert verdict.confidence == pytest.approx(1 - 0.05 * 6 / math.pi**2)
    assert "+25.0 points" in verdict.why


def test_a_small_gain_is_not_enough_evidence() -> None:
    assert judged(evaluation(103), evaluation(100)).outcome == "not_enough_evidence"


def test_a_gain_too_small_to_matter_is_not_promoted() -> None:
    after = tuple(Answer(f"q{i}", "g", 0.505) for i in range(2000))
    before = tuple(Answer(f"q{i}", "g", 0.5) for i in range(2000))
    general = answers(90, 100)
    verdict = judged(Evaluation(after, general, 1.0, Spend()), Evaluation(before, general, 1.0, Spend()))
    assert verdict.gain.low > 0
    assert verdict.outcome == "not_enough_evidence"
    assert "below the 1 points" in verdict.why


def without_general(domain: int) -> Evaluation:
    return Evaluation(answers(domain, 200), (), 1.0, Spend())


def test_without_a_general_suite_nothing_is_promoted_unless_any_loss_will_do() -> None:
    verdict = judged(without_general(150), without_general(100))
    assert verdict.outcome == "not_enough_evidence"
    assert "no general suite is set, so forgetting cannot be bounded" in verdict.why
    assert judged(without_general(100), without_general(150)).outcome == "hold"
    unbounded = Settings(max_forgetting_points=100)
    assert decide(without_general(150), without_general(100), unbounded, round_number=1).outcome == "promote"


def test_clearly_worse_is_held() -> None:
    assert judged(evaluation(100), evaluation(150)).outcome == "hold"


def test_forgetting_beyond_the_bound_is_never_promoted() -> None:
    slight, heavy = judged(evaluation(150, 86), evaluation(100)), judged(evaluation(150, 60), evaluation(100))
    assert slight.outcome == "not_enough_evidence"
    assert slight.forgetting.points == pytest.approx(4)
    assert heavy.outcome == "hold"
    assert heavy.forgetting.low > SETTINGS.max_forgetting_points


def test_faults_are_held_unless_the_incumbent_makes_as_many() -> None:
    assert judged(evaluation(150, faulty=10), evaluation(100)).outcome == "hold"
    assert judged(evaluation(150, faulty=10), evaluation(100, faulty=10)).outcome == "promote"


def test_a_loss_that_is_not_finite_is_held() -> None:
    assert judged(evaluation(150, loss=math.nan), evaluation(100)).outcome == "hold"


def test_wordings_of_one_fact_are_one_piece_of_evidence() -> None:
    after = [Answer(f"fact{i // 2}#{i % 2}", "g", float(i < 16)) for i in range(200)]
    before = [Answer(a.question_id, "g", 0.0) for a in after]
    single = paired_estimate(
        [Answer(f"q{i}", "g", a.credit) for i, a in enumerate(after)],
        [Answer(f"q{i}", "g", 0.0) for i in range(200)],
        0.97,
    )
    paired = paired_estimate(after, before, 0.97)
    assert paired.points == pytest.approx(single.points) == 8
    assert paired.low < single.low


def test_no_questions_give_no_evidence() -> None:
    nothing = Evaluation((), (), 1.0, Spend())
    assert judged(nothing, nothing).outcome == "not_enough_evidence"


def test_other_questions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same questions"):
        judged(evaluation(1), Evaluation(answers(1, 199), answers(90, 100), 1.0, Spend()))


def test_the_budget_is_spent_once() -> None:
    assert sum(1 - confidence_of(k, 0.05) for k in range(1, 5000)) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match="from 1"):
        confidence_of(0, 0.05)

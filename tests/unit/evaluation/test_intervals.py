import math
from statistics import NormalDist

import pytest

from ccit.evaluation.intervals import Differences, credit_of, fault_of, paired, share
from ccit.records import Estimate, GradedAnswer
from tests.judged import answers, graded

Z = NormalDist().inv_cdf(0.975)


def of_counts(n: int, wins: int, losses: int) -> Differences:
    return Differences(n, wins - losses, wins + losses, wins + losses)


@pytest.mark.parametrize("losses", [10, 40])
def test_losses_alone_have_wilsons_interval(losses: int) -> None:
    """Of a Poisson count: (c - m)^2 = z^2 m. One loss of them is the pseudo-observation here."""
    found = Differences(1000, -losses, losses - 1, losses - 1).estimate(0.95)
    root = Z * math.sqrt(losses + Z**2 / 4)
    assert found.low == pytest.approx(-(losses + Z**2 / 2 + root) / 10)
    assert found.high == pytest.approx(-(losses + Z**2 / 2 - root) / 10)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 0), (9, 1), (12, 9), (60, 30), (300, 250)])
def test_whether_0_lies_within_is_mcnemars_test(wins: int, losses: int) -> None:
    certain = wins - losses > Z * math.sqrt(wins + losses + 1)
    assert (of_counts(2000, wins, losses).estimate(0.95).low > 0) == certain


def test_the_ends_are_where_the_score_test_rejects() -> None:
    own = Differences(500, 7.3, 11.9, 21.0)
    square = own.squares + 1
    size = square / (own.sizes + 1)
    for end in own._ends(Z):
        variance = (square + math.sqrt(square**2 + 4 * size**2 * end * (end - own.total))) / 2
        assert (own.total - end) ** 2 == pytest.approx(Z**2 * variance, rel=1e-9)


def test_nothing_asked_may_be_anything() -> None:
    assert paired((), ()).estimate(0.95) == Estimate(0.0, -100.0, 100.0)


def test_wordings_of_one_fact_are_one_piece_of_evidence() -> None:
    credits_of = [float(i < 16) for i in range(200)]
    single = paired(graded(credits_of), graded([0.0] * 200)).estimate(0.97)
    facts = [i // 2 for i in range(200)]
    double = paired(graded(credits_of, facts), graded([0.0] * 200, facts)).estimate(0.97)
    assert double.points == pytest.approx(single.points) == 8
    assert double.low < single.low


def test_other_questions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same questions"):
        paired(answers(1, 200), answers(1, 199))


def test_faults_are_paired_as_credit_is() -> None:
    after, before = answers(0, 900, faulty=301), answers(0, 900, faulty=300)
    assert paired(after, before, fault_of).total == 1
    assert paired(after, before, credit_of).total == 0
    assert share(after, fault_of).estimate(0.95).points == pytest.approx(100 * 301 / 900)


def test_how_many_questions_would_be_needed() -> None:
    few = of_counts(50, 0, 1).reversed()  # 2 points lost
    needed = few.units_to_stay_below(3.0, 0.95)
    assert needed is not None
    at = [Differences(n, n / 50, n / 50, n / 50).estimate(0.95).high for n in (needed - 1, needed)]
    assert at[0] > 3.0 >= at[1]
    assert few.units_to_stay_below(2.0, 0.95) is None
    assert few.units_to_stay_below(2.001, 0.95) is None  # a million would not do
    assert paired([], []).units_to_stay_below(3.0, 0.95) is None


def test_a_difference_has_two_sides() -> None:
    own = Differences(100, 3.0, 5.0, 5.0)
    there, back = own.estimate(0.95), own.reversed().estimate(0.95)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert paired([GradedAnswer("q", "g", 1.0)], [GradedAnswer("q", "g", 1.0)]).reversed().total == 0.0

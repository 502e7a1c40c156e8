"""Laws of the gate: noise is not promoted, order does not matter, better answers never make it worse."""

import math
from random import Random
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.config import Evaluation as Settings
from ccit.evaluation.gate import confidence_of, decide, paired_estimate
from ccit.records import Answer, Evaluation, Spend

SETTINGS = Settings(min_gain_points=0.0, max_forgetting_points=100.0)  # without a general suite any loss will do
BOUNDED = Settings(min_gain_points=0.0)
CREDITS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=60)
ROUNDS = st.integers(1, 50)


def answers(credits_of: list[float], facts: list[int] | None = None) -> tuple[Answer, ...]:
    names = [f"q{i}" for i in range(len(credits_of))] if facts is None else [f"{f}#{i}" for i, f in enumerate(facts)]
    return tuple(Answer(name, "g", credit) for name, credit in zip(names, credits_of, strict=True))


def evaluation(domain: tuple[Answer, ...], general: tuple[Answer, ...] = ()) -> Evaluation:
    return Evaluation(domain, general, 1.0, Spend())


@given(CREDITS, ROUNDS)
def test_equal_evaluations_are_never_promoted(rows: list[tuple[float, float, int]], k: int) -> None:
    same = evaluation(answers([r[0] for r in rows], [r[2] for r in rows]))
    assert decide(same, same, SETTINGS, k).outcome == "not_enough_evidence"


@given(CREDITS, ROUNDS, st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(rows: list[tuple[float, float, int]], k: int, rng: Random) -> None:
    before = list(answers([r[0] for r in rows], [r[2] for r in rows]))
    after = list(answers([r[1] for r in rows], [r[2] for r in rows]))
    first = decide(evaluation(tuple(after)), evaluation(tuple(before)), SETTINGS, k)
    rng.shuffle(after)
    second = decide(evaluation(tuple(after)), evaluation(tuple(before)), SETTINGS, k)
    assert first.outcome == second.outcome
    assert first.gain.points == pytest.approx(second.gain.points, abs=1e-9)
    assert first.gain.low == pytest.approx(second.gain.low, abs=1e-9)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80),
    ROUNDS,
)
def test_more_right_answers_never_withdraw_a_promotion(
    domain: list[tuple[bool, bool, bool]], general: list[tuple[bool, bool, bool]], k: int
) -> None:
    def sides(rows: list[tuple[bool, bool, bool]]) -> tuple[tuple[Answer, ...], ...]:
        before, after, extra = ([float(r[i]) for r in rows] for i in range(3))
        return answers(before), answers(after), answers([max(a, e) for a, e in zip(after, extra, strict=True)])

    (before, after, better), (general_before, general_after, general_better) = sides(domain), sides(general)
    incumbent = evaluation(before, general_before)
    if decide(evaluation(after, general_after), incumbent, BOUNDED, k).outcome == "promote":
        assert decide(evaluation(better, general_better), incumbent, BOUNDED, k).outcome == "promote"


@given(CREDITS, st.lists(st.floats(0, 1), min_size=60, max_size=60), ROUNDS)
def test_more_credit_never_turns_promotion_into_hold(
    rows: list[tuple[float, float, int]], extra: list[float], k: int
) -> None:
    facts = [r[2] for r in rows]
    incumbent = evaluation(answers([r[0] for r in rows], facts))
    after = [r[1] for r in rows]
    better = [max(a, e) for a, e in zip(after, extra, strict=False)]
    if decide(evaluation(answers(after, facts)), incumbent, SETTINGS, k).outcome == "promote":
        assert decide(evaluation(answers(better, facts)), incumbent, SETTINGS, k).outcome != "hold"


@given(CREDITS, st.floats(0.01, 0.9999))
def test_the_interval_holds_the_point_and_mirrors(rows: list[tuple[float, float, int]], confidence: float) -> None:
    before, after = answers([r[0] for r in rows]), answers([r[1] for r in rows])
    forth, back = paired_estimate(after, before, confidence), paired_estimate(before, after, confidence)
    assert -100 <= forth.low <= forth.points <= forth.high <= 100
    assert forth.low == pytest.approx(-back.high)
    assert forth.points == pytest.approx(-back.points)


def false_promotion_rate(n: int, discordant: float, level: float) -> float:
    """Exact chance that n questions promote noise: each differs with a probability, then either way alike."""
    z = NormalDist().inv_cdf(1 - level / 2)
    total = 0.0
    for d in range(n + 1):
        if 0 < discordant < 1:
            chance = math.comb(n, d) * discordant**d * (1 - discordant) ** (n - d)
        else:
            chance = float(d == n * discordant)
        wins = [w for w in range(d + 1) if 2 * w - d > z * math.sqrt(d + 1)]
        total += chance * sum(math.comb(d, w) for w in wins) / 2**d
    return total


@pytest.mark.parametrize("n", [1, 5, 12, 20, 50, 200])
@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_noise_is_promoted_no_more_often_than_the_round_may(n: int, k: int) -> None:
    level = 1 - confidence_of(k, SETTINGS.error_budget)
    assert max(false_promotion_rate(n, q, level) for q in (0.05, 0.2, 0.5, 1.0)) <= 0.75 * level


def test_a_hundred_rounds_of_noise_stay_within_the_budget() -> None:
    """400 lines of 25 rounds, 100 facts in two wordings, fractional credit; the budget allows 5%."""
    rng = np.random.default_rng(7)
    lines, rounds, facts = 400, 25, 100
    promoted = 0
    for _ in range(lines):
        noise = rng.normal(0, 0.25, (2, rounds, facts)).repeat(2, axis=2) + rng.normal(0, 0.1, (2, rounds, 2 * facts))
        credit = np.clip(0.5 + noise, 0, 1)
        names = [i // 2 for i in range(2 * facts)]
        promoted += any(
            paired_estimate(
                answers(list(credit[0, k]), names), answers(list(credit[1, k]), names), confidence_of(k + 1, 0.05)
            ).low
            > 0
            for k in range(rounds)
        )
    assert promoted / lines <= 0.05

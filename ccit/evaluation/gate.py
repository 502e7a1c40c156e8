"""The gate: promote, hold, or not enough evidence.

Both versions answered the same questions, so the unit is the paired difference d of a question's credit (-1 .. 1),
summed over wordings of one fact (`unit_of`): two wordings are not two pieces of evidence.

**Interval.** mean(d) +- z sqrt(sum d^2 + 1) / n: the score interval whose variance is the one under "no difference", as
in McNemar's test, with one pseudo-observation so that a few lucky answers prove nothing. Under "no difference" the
signs of d are coin flips whatever its size, so sum d / sqrt(sum d^2) has tails within a constant of the normal ones for
every n and every credit (Efron 1969; Pinelis 1994). No resampling: no seed, no dependence on the order of questions.
`tests/property/test_gate.py` holds the exact rate of false promotions below the budget by enumeration.

**Budget.** Repeated tests promote noise eventually. Judging the k-th round since the last promotion spends
6 / (pi^2 k^2) of the error budget, which sums to the whole budget until the next promotion; half of it on promoting,
half on holding. So the chance of promoting noise before the next true gain is at most `error_budget`, and a long quiet
line does not lose its power to learn for good (spending over its whole life would: the twentieth round could spend
0.0002).

**No general suite.** Without general questions nothing bounds what was forgotten, so nothing is promoted, unless the
operator has said that any loss will do (`max_forgetting_points = 100`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from statistics import NormalDist

from ccit.config import Evaluation as Settings
from ccit.evaluation.accuracy import accuracy, accuracy_by_group, fault_points
from ccit.records import Answer, Estimate, Evaluation, Outcome, Verdict

UNBOUNDED_POINTS = 100.0  # of forgetting: the whole scale, so any loss will do


def unit_of(question_id: str) -> str:
    """The fact that a question asks about: its id up to the last `#`, after which the wordings are numbered.

    >>> unit_of("asthma/treatment#2"), unit_of("mmlu:17")
    ('asthma/treatment', 'mmlu:17')
    """
    return question_id.rpartition("#")[0] or question_id


def confidence_of(round_number: int, error_budget: float) -> float:
    """Confidence of the intervals at the k-th round judged since the last promotion (k = 1, 2, ...).

    >>> round(confidence_of(1, 0.05), 4), round(confidence_of(10, 0.05), 5)
    (0.9696, 0.9997)
    """
    if round_number < 1:
        raise ValueError(f"expected rounds counted from 1, got {round_number}")
    return 1 - error_budget * 6 / (math.pi * round_number) ** 2


def paired_estimate(after: Sequence[Answer], before: Sequence[Answer], confidence: float) -> Estimate:
    """Gain in mean credit from `before` to `after`, in percentage points, with its two-sided interval.

    Parameters
    ----------
    after, before : Sequence[Answer]
        Answers of two versions to the same questions, in any order.
    confidence : float
        Of the interval, 0 to 1.

    Raises
    ------
    ValueError
        The two did not answer the same questions.
    """
    credits_before = {a.question_id: a.credit for a in before}
    if len(credits_before) != len(before) or {a.question_id for a in after} != credits_before.keys():
        raise ValueError("expected two versions' answers to the same questions, each asked once")
    if not after:
        return Estimate(0.0, -100.0, 100.0)
    sums: dict[str, list[float]] = {}
    for answer in after:
        sums.setdefault(unit_of(answer.question_id), []).append(answer.credit - credits_before[answer.question_id])
    scale = len(sums) / len(after)  # a unit of average size moves between -1 and 1
    units = [math.fsum(differences) * scale for differences in sums.values()]
    points = 100 * math.fsum(units) / len(units)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    half = 100 * z * math.sqrt(math.fsum(u * u for u in units) + 1) / len(units)
    return Estimate(points, max(-100.0, points - half), min(100.0, points + half))


def decide(candidate: Evaluation, incumbent: Evaluation, settings: Settings, round_number: int) -> Verdict:
    """Judge a candidate against the incumbent.

    Promote: certainly better, by at least `min_gain_points`, no more than `max_forgetting_points` lost on the general
    suite, and no more faults than `max_fault_points` (or than the incumbent makes). Hold: certainly worse, certainly
    forgetting beyond the bound, or faulty. Anything between is not enough evidence; so is a gain without general
    answers beside it, unless `max_forgetting_points` is 100.

    Parameters
    ----------
    round_number : int
        How many candidates have been judged since the last promotion, this one included.
    """
    confidence = confidence_of(round_number, settings.error_budget)
    gain = paired_estimate(candidate.domain, incumbent.domain, confidence)
    kept = paired_estimate(candidate.general, incumbent.general, confidence)
    forgetting = Estimate(0.0 - kept.points, 0.0 - kept.high, 0.0 - kept.low)
    outcome, why = _outcome(candidate, incumbent, settings, gain, forgetting)
    return Verdict(
        outcome=outcome,
        why=why,
        gain=gain,
        forgetting=forgetting,
        fault_rate=_faults(candidate),
        accuracy=accuracy(candidate.domain),
        accuracy_by_group=accuracy_by_group(candidate.domain),
        general_accuracy=accuracy(candidate.general),
        incumbent_accuracy=accuracy(incumbent.domain),
        incumbent_accuracy_by_group=accuracy_by_group(incumbent.domain),
        incumbent_general_accuracy=accuracy(incumbent.general),
        validation_loss=candidate.validation_loss,
        incumbent_validation_loss=incumbent.validation_loss,
        confidence=confidence,
    )


def _faults(evaluation: Evaluation) -> float:
    return fault_points(list(chain(evaluation.domain, evaluation.general)))


def _outcome(
    candidate: Evaluation, incumbent: Evaluation, settings: Settings, gain: Estimate, forgetting: Estimate
) -> tuple[Outcome, str]:
    faults = _faults(candidate)
    allowed = max(settings.max_fault_points, _faults(incumbent))
    bound = settings.max_forgetting_points
    better, forgot = _gain_text(gain), _forgetting_text(forgetting)
    if not math.isfinite(candidate.validation_loss):
        return "hold", "The candidate's loss on the validation part is not finite."
    if faults > allowed:
        return "hold", f"{faults:.1f}% of the candidate's answers are faulty, above the limit of {allowed:.1f}%."
    if forgetting.low > bound:
        return "hold", f"The candidate forgets {forgot}, certainly beyond the bound of {bound:g} points."
    if gain.high < 0:
        return "hold", f"The candidate is certainly worse: {better}."
    if not candidate.general and bound < UNBOUNDED_POINTS:
        return (
            "not_enough_evidence",
            f"The gain is {better}, but no general suite is set, so forgetting cannot be bounded; set "
            f"evaluation.general_suite (or evaluation.max_forgetting_points = {UNBOUNDED_POINTS:g}: any loss will do).",
        )
    if gain.low <= 0:
        return "not_enough_evidence", f"The gain of {better} cannot be told from no gain."
    if gain.points < settings.min_gain_points:
        return (
            "not_enough_evidence",
            f"The gain of {better} is below the {settings.min_gain_points:g} points asked for.",
        )
    if forgetting.points > bound:
        return "not_enough_evidence", f"The gain is {better}, but {forgot} seem forgotten (bound {bound:g} points)."
    wide = f"; the interval reaches beyond the bound of {bound:g} points" if forgetting.high > bound else ""
    return "promote", f"The gain is {better}, with {forgot} forgotten{wide}."


def _gain_text(e: Estimate) -> str:
    return f"{e.points:+.1f} points (from {e.low:+.1f} to {e.high:+.1f})"


def _forgetting_text(e: Estimate) -> str:
    return f"{e.points:.1f} points (from {e.low:.1f} to {e.high:.1f})"

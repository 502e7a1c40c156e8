"""The difference between two versions' answers to the same questions, with its interval. Pure.

The unit is the paired difference d of one question's credit (-1 .. 1), summed over wordings of one fact (`unit_of`):
two wordings are not two pieces of evidence.

**Interval.** All true sums m that a score test does not reject, (T - m)^2 <= z^2 v(m), where T = sum d and v(m) is the
variance of T *if the true sum were m*:

    v(m) = (Q + sqrt(Q^2 + 4 s^2 m (m - T))) / 2        Q = 1 + sum d^2,  s = Q / (1 + sum |d|)

For answers that are right or wrong (s = 1) this is Tango's score interval for paired proportions (1998, Statistics in
Medicine 17: 891-908) in its limit of few differences: wins and losses are Poisson counts and v(m) is their sum,
estimated under the constraint that they differ by m. Graded credit counts as differences of the size s, which keeps
both T and sum d^2. One pseudo-observation is in Q, so that a few lucky answers prove nothing.

At m = 0, v is Q: whether 0 lies in the interval is McNemar's test, T > z sqrt(Q). Under "no difference" the signs of d
are coin flips whatever its size, so its tails are within a constant of the normal ones for every n and every credit
(Efron 1969; Pinelis 1994). At a margin, which is where a bound on forgetting is tested, a variance taken from the
sample alone is too small just when few answers happened to be lost; v(m) is not (Wilson's interval is the case of
losses alone). The equation is a cubic in m - T with three real roots: the outer two are the ends. No resampling: no
seed, no dependence on the order of questions.

`tests/property/test_gate.py` holds the exact error rates below what they may be, by enumeration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from ccit.records import Estimate, GradedAnswer

_MOST_UNITS = 1 << 20  # a suite of a million questions is no advice


def unit_of(question_id: str) -> str:
    """The fact that a question asks about: its id up to the last `#`, after which the wordings are numbered.

    >>> unit_of("asthma/treatment#2"), unit_of("mmlu:17")
    ('asthma/treatment', 'mmlu:17')
    """
    return question_id.rpartition("#")[0] or question_id


def credit_of(answer: GradedAnswer) -> float:
    """What an answer earned, 0 to 1."""
    return answer.credit


def fault_of(answer: GradedAnswer) -> float:
    """1 for a faulty answer, else 0."""
    return float(answer.faulty)


@dataclass(frozen=True, slots=True)
class Differences:
    """The paired differences of a suite's units, summed up.

    Parameters
    ----------
    units : float
        How many there are (n).
    total, squares, sizes : float
        Sums of d, of its squares and of its absolute values.

    Example
    -------
    >>> wins_4_losses_1 = Differences(units=100, total=3.0, squares=5.0, sizes=5.0)
    >>> found = wins_4_losses_1.estimate(0.95)
    >>> found.points, round(found.low, 1), round(found.high, 1)
    (3.0, -2.4, 9.7)
    """

    units: float
    total: float
    squares: float
    sizes: float

    def estimate(self, confidence: float) -> Estimate:
        """Mean difference in percentage points, with its two-sided interval; nothing asked is -100 to 100."""
        if not self.units:
            return Estimate(0.0, -100.0, 100.0)
        low, high = self._ends(NormalDist().inv_cdf(0.5 + confidence / 2))
        points = 100 / self.units
        return Estimate(points * self.total, max(-100.0, points * low), min(100.0, points * high))

    def _ends(self, z: float) -> tuple[float, float]:
        """Both ends of the interval of the sum: T plus the outer roots of x^3 - p x - q."""
        square = self.squares + 1
        size = square / (self.sizes + 1)
        p = z**2 * square + size**2 * z**4
        q = size**2 * z**4 * self.total
        scale = 2 * math.sqrt(p / 3)
        angle = math.acos(max(-1.0, min(1.0, 1.5 * q / p * math.sqrt(3 / p)))) / 3
        return self.total + scale * math.cos(angle + 2 * math.pi / 3), self.total + scale * math.cos(angle)

    def reversed(self) -> Differences:
        """From the other side: what was gained is lost."""
        return Differences(self.units, 0.0 - self.total, self.squares, self.sizes)

    def units_to_stay_below(self, bound: float, confidence: float) -> int | None:
        """How many units of the same kind would put the whole interval below `bound` percentage points.

        None where no number would: the mean itself is not below, or more than a million would be needed.

        >>> Differences(50, 0.0, 0.0, 0.0).units_to_stay_below(3.0, 0.97)
        173
        """
        if not self.units or 100 * self.total / self.units >= bound:
            return None
        low, high = 1, _MOST_UNITS
        if not self._stays_below(high, bound, confidence):
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._stays_below(middle, bound, confidence) else (middle + 1, high)
        return low

    def _stays_below(self, units: int, bound: float, confidence: float) -> bool:
        more = units / self.units
        asked = Differences(units, self.total * more, self.squares * more, self.sizes * more)
        return asked.estimate(confidence).high <= bound


def paired(
    after: Sequence[GradedAnswer],
    before: Sequence[GradedAnswer],
    value: Callable[[GradedAnswer], float] = credit_of,
) -> Differences:
    """What changed from `before` to `after`, unit by unit.

    Parameters
    ----------
    after, before : Sequence[GradedAnswer]
        Answers of two versions to the same questions, in any order.
    value : Callable
        What is compared of each answer, 0 to 1.

    Raises
    ------
    ValueError
        The two did not answer the same questions.
    """
    values_before = {a.question_id: value(a) for a in before}
    if len(values_before) != len(before) or {a.question_id for a in after} != values_before.keys():
        raise ValueError("expected two versions' answers to the same questions, each asked once")
    return _summed([(a.question_id, value(a) - values_before[a.question_id]) for a in after])


def share(answers: Sequence[GradedAnswer], value: Callable[[GradedAnswer], float]) -> Differences:
    """The mean of a value over all questions, in the same form: as against answers that all have 0."""
    return _summed([(a.question_id, value(a)) for a in answers])


def _summed(differences: Sequence[tuple[str, float]]) -> Differences:
    sums: dict[str, list[float]] = {}
    for question_id, difference in differences:
        sums.setdefault(unit_of(question_id), []).append(difference)
    scale = len(sums) / len(differences) if differences else 1.0  # a unit of average size moves between -1 and 1
    units = [math.fsum(own) * scale for own in sums.values()]
    return Differences(len(units), math.fsum(units), math.fsum(u * u for u in units), math.fsum(map(abs, units)))

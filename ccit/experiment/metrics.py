"""The figures of continual learning, from the accuracies a[i][j] on period j after period i. Pure.

A matrix has a row for the untrained model (row 0), then one after each of the T periods; a column for each period. A
cell may be None, where nothing was asked.

    average accuracy    mean over j of a[T][j]                               Lopez-Paz & Ranzato 2017, eq. 2
    backward transfer   mean over j < T of a[T][j] - a[j][j]                 eq. 3
    forward transfer    mean over j > 1 of a[j-1][j] - a[0][j]               eq. 4
    forgetting          mean over j < T of the best a[i][j], 0 < i < T,      Chaudhry et al. 2018, eq. 3
                        minus a[T][j]

(Gradient episodic memory, arXiv 1706.08840; Riemannian walk, arXiv 1801.10112.) Where those papers start from a random
initialisation, row 0 is the untrained base model here. Forgetting below 0 is a late gain; backward transfer and it
differ where a period was known better at another time than at its own end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from scipy.special import stdtrit

Matrix = Sequence[Sequence[float | None]]


def average_accuracy(matrix: Matrix) -> float:
    """Mean accuracy over the periods in the end, 0 to 1.

    >>> average_accuracy([[0.1, 0.1], [0.8, 0.3], [0.6, 0.9]])
    0.75
    """
    return _mean(matrix[-1])


def backward_transfer(matrix: Matrix) -> float:
    """What later periods have done to earlier ones, -1 to 1; below 0 is a loss.

    >>> round(backward_transfer([[0.1, 0.1], [0.8, 0.3], [0.6, 0.9]]), 3)
    -0.2
    """
    return _mean(_minus(matrix[-1][j], matrix[j + 1][j]) for j in range(_periods(matrix) - 1))


def forward_transfer(matrix: Matrix) -> float:
    """What is known of a period before its own has begun, against the untrained model, -1 to 1.

    >>> round(forward_transfer([[0.1, 0.1], [0.8, 0.3], [0.6, 0.9]]), 3)
    0.2
    """
    return _mean(_minus(matrix[j][j], matrix[0][j]) for j in range(1, _periods(matrix)))


def forgetting(matrix: Matrix) -> float:
    """Best accuracy of a period before the end, minus that in the end, -1 to 1.

    >>> round(forgetting([[0.1, 0.1], [0.8, 0.3], [0.6, 0.9]]), 3)
    0.2
    """
    return _mean(
        _minus(max(known), matrix[-1][j])
        for j in range(_periods(matrix) - 1)
        if (known := [value for row in matrix[1:-1] if (value := row[j]) is not None])
    )


def _periods(matrix: Matrix) -> int:
    return len(matrix) - 1


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else math.nan


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds with Student's interval of 95 % for it; for one seed the ends are not numbers."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """The interval of these; what is not a number is left out.

        >>> round(Interval.of([1.0, 2.0, 3.0]).high, 3)  # 2 + 4.303 / sqrt(3)
        4.484
        """
        known = [value for value in values if math.isfinite(value)]
        if not known:
            return cls(math.nan, math.nan, math.nan)
        mean = fmean(known)
        if len(known) < 2:
            return cls(mean, math.nan, math.nan)
        half = student(len(known) - 1) * stdev(known) / math.sqrt(len(known))
        return cls(mean, mean - half, mean + half)

    @property
    def half(self) -> float:
        """Half of its width; not a number for one seed."""
        return self.high - self.mean

    def times(self, factor: float) -> Interval:
        """In another unit, as percentage points."""
        return Interval(self.mean * factor, self.low * factor, self.high * factor)


def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t with so many degrees of freedom.

    >>> round(student(2), 3), round(student(20), 3)
    (4.303, 2.086)
    """
    return float(stdtrit(degrees, 0.975))


MEASURES = {  # key -> what it is called, factor from the figure to the unit that is shown, unit
    "average": ("Average accuracy", 100.0, "%"),
    "backward": ("Backward transfer", 100.0, "points"),
    "forward": ("Forward transfer", 100.0, "points"),
    "forgetting": ("Forgetting", 100.0, "points"),
    "general": ("General ability in the end", 100.0, "%"),
    "general_lost": ("General ability lost", 100.0, "points"),
    "waiting": ("Samples waiting untrained, mean", 1.0, ""),
    "tokens": ("Tokens of the stream trained on", 1.0, ""),
    "flops": ("FLOPs in all", 1.0, ""),
}


def measures(line: Mapping[str, Any]) -> dict[str, float]:
    """Every measure of a cell's line, as `MEASURES` calls them.

    `waiting` is the area under the untrained curve (Modyn: Boether et al. 2025, arXiv 2312.06254) by its length: how
    many accepted samples no round had been made of yet, mean over the records that were decided. `tokens` are those of
    the stream's own samples: what sources add is mixing.
    """
    matrix, general, spend = line["matrix"], line["general"], line["spend"]
    return {
        "average": average_accuracy(matrix),
        "backward": backward_transfer(matrix),
        "forward": forward_transfer(matrix),
        "forgetting": forgetting(matrix),
        "general": general[-1],
        "general_lost": general[0] - general[-1],
        "waiting": line["untrained"]["area"] / max(1, line["records"]["decided"]),
        "tokens": float(spend["training"]["tokens"]),
        "flops": sum(float(own["flops"]) for own in spend.values()),
    }


Arm = tuple[str, ...]  # labels on the axes, the seed left out


def arm_of(line: Mapping[str, Any]) -> Arm:
    """Which cells are runs of one thing under different seeds.

    >>> arm_of({"at": {"policy": "lot", "training.rank": "8", "seed": "0"}})
    ('lot', '8')
    """
    return tuple(label for axis, label in line["at"].items() if axis != "seed")


def by_arm(lines: Iterable[Mapping[str, Any]]) -> dict[Arm, list[Mapping[str, Any]]]:
    """The lines of each arm that did not fail, in the order of the grid."""
    found: dict[Arm, list[Mapping[str, Any]]] = {}
    for line in lines:
        if not line["failed"]:
            found.setdefault(arm_of(line), []).append(line)
    return found


def over_seeds(lines: Sequence[Mapping[str, Any]]) -> dict[str, Interval]:
    """Each measure of an arm's lines, in the unit that is shown."""
    found = [measures(line) for line in lines]
    return {key: Interval.of([own[key] for own in found]).times(MEASURES[key][1]) for key in MEASURES}


def paired(lines: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]], key: str) -> Interval:
    """How an arm differs from another in one measure, seed by seed: the stream is the same."""
    theirs = {line["at"]["seed"]: measures(line)[key] for line in others}
    differences = [measures(line)[key] - theirs[line["at"]["seed"]] for line in lines if line["at"]["seed"] in theirs]
    return Interval.of(differences).times(MEASURES[key][1])


def mean_matrix(lines: Sequence[Mapping[str, Any]]) -> list[list[float | None]]:
    """The accuracy matrix of an arm: mean over the seeds, None where no seed was asked."""
    stacked = [line["matrix"] for line in lines]
    rows, columns = min(map(len, stacked)), min(len(matrix[0]) for matrix in stacked)
    means = [[_mean(matrix[i][j] for matrix in stacked) for j in range(columns)] for i in range(rows)]
    return [[None if math.isnan(value) else value for value in row] for row in means]

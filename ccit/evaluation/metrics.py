"""Accuracy, accuracy by group, faults and forgetting. Pure; every result in percentage points says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ccit.records import Answer


def accuracy(answers: Sequence[Answer]) -> float:
    """Mean credit, 0 to 1; 0 for no answers.

    >>> accuracy([Answer("a", "g", 1.0), Answer("b", "g", 0.0)])
    0.5
    """
    return sum(a.credit for a in answers) / len(answers) if answers else 0.0


def accuracy_by_group(answers: Iterable[Answer]) -> dict[str, float]:
    """Mean credit (0 to 1) of each group, groups in alphabetical order."""
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[answer.group].append(answer)
    return {group: accuracy(groups[group]) for group in sorted(groups)}


def fault_points(answers: Sequence[Answer]) -> float:
    """Share of faulty answers (empty, endless, not finite), in percentage points."""
    return 100 * sum(a.faulty for a in answers) / len(answers) if answers else 0.0


def forgetting(earlier: Sequence[Mapping[str, float]], now: Mapping[str, float]) -> dict[str, float]:
    """How far each group lies below its best earlier accuracy, in percentage points; negative where it improved.

    Chaudhry et al. 2018, "Riemannian Walk for Incremental Learning", arXiv 1801.10112, equation 3.

    Parameters
    ----------
    earlier : Sequence[Mapping[str, float]]
        Accuracy by group (0 to 1) of every version before, in any order.

    >>> forgetting([{"heart": 0.5}, {"heart": 0.9}], {"heart": 0.6})
    {'heart': 30.0}
    """
    return {
        group: round(100 * (max(past[group] for past in earlier if group in past) - value), 9)
        for group, value in now.items()
        if any(group in past for past in earlier)
    }

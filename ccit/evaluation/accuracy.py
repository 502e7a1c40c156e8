"""Accuracy, accuracy by group, and faults. Pure; every result in percentage points says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ccit.records import GradedAnswer


def accuracy(answers: Sequence[GradedAnswer]) -> float:
    """Mean credit, 0 to 1; 0 for no answers.

    >>> accuracy([GradedAnswer("a", "g", 1.0), GradedAnswer("b", "g", 0.0)])
    0.5
    """
    return sum(a.credit for a in answers) / len(answers) if answers else 0.0


def accuracy_by_group(answers: Iterable[GradedAnswer]) -> dict[str, float]:
    """Mean credit (0 to 1) of each group, groups in alphabetical order."""
    groups: dict[str, list[GradedAnswer]] = defaultdict(list)
    for answer in answers:
        groups[answer.group].append(answer)
    return {group: accuracy(groups[group]) for group in sorted(groups)}


def fault_points(answers: Sequence[GradedAnswer]) -> float:
    """Share of faulty answers (empty, endless, not finite), in percentage points."""
    return 100 * sum(a.faulty for a in answers) / len(answers) if answers else 0.0

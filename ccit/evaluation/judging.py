"""What every candidate of an alias is judged by."""

from __future__ import annotations

from dataclasses import dataclass

from ccit.evaluation.gate import Gate
from ccit.ports.evaluation import Evaluator
from ccit.records import Suites


@dataclass(frozen=True, slots=True)
class Judging:
    """What every candidate of an alias is judged by: questions by suite, who asks them, and who decides."""

    suites: Suites
    evaluator: Evaluator
    gate: Gate

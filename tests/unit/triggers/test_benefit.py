from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.ports.rounds import TriggerContext
from ccit.records import Pooled, Score
from ccit.triggers.benefit import BenefitTrigger
from tests.nouns import decision, pooled


def worth(number: int, value: float | None, at: float = 0.0) -> Pooled:
    found = replace(decision(number), scores=(Score("ifd", value, "ifd"),))
    return replace(pooled(number, at=at), decision=found)


def area(waiting: list[Pooled], now: float, cost: float = 1.0, min_size: int = 1) -> float | None:
    trigger = BenefitTrigger(BenefitTrigger.Settings(cost=cost, missing=0.5), TriggerContext(99, min_size))
    found = trigger.due(waiting, now)
    return None if found is None else found.numbers["area"]


def test_worth_times_hours_over_the_pool() -> None:
    """0.5 for two hours, 0.25 for one, and a sample without a score for one."""
    waiting = [worth(0, 0.5), worth(1, 0.25, at=3600), worth(2, None, at=3600)]
    assert area(waiting, now=7200.0) == pytest.approx(1.0 + 0.25 + 0.5)
    assert area(waiting, now=7200.0, cost=1.8) is None


def test_what_is_worth_more_is_due_earlier() -> None:
    assert area([worth(0, 0.1)], now=4 * 3600.0) is None
    assert area([worth(0, 0.9)], now=4 * 3600.0) == pytest.approx(3.6)


def test_a_round_has_its_least_size_and_a_clock_that_went_back_is_no_benefit() -> None:
    assert area([worth(0, 1.0)], now=1e9, min_size=2) is None
    assert area([worth(0, 1.0, at=7200.0), worth(1, 1.0)], now=3600.0) == pytest.approx(1.0)

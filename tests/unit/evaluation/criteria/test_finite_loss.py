import math

import pytest

from ccit.evaluation.criteria.finite_loss import FiniteLoss
from ccit.ports.evaluation import CriterionContext
from tests.judged import evidence, results


@pytest.mark.parametrize(("loss", "outcome"), [(1.0, "promote"), (math.nan, "hold"), (math.inf, "hold")])
def test_a_loss_that_is_not_finite_is_held(loss: float, outcome: str) -> None:
    own = FiniteLoss(FiniteLoss.Settings(), CriterionContext(()))
    assert own.finding(evidence(results(loss=loss), results())).outcome == outcome

from __future__ import annotations

import pytest

from ccit.ports.selection import PolicyContext
from ccit.selection.policies.quantile import QuantilePolicy


@pytest.mark.parametrize(
    "state",
    [
        {"sketches": {}},
        {"sketches": {"0": {"": [[0.1]]}}, "accepted": {}},
        {"sketches": {"-1": {}}, "accepted": {}},
        {"sketches": {"0": {"": [[0.1, float("nan")]]}}, "accepted": {}},
        {"sketches": {}, "accepted": {"ward": "many"}},
    ],
)
def test_a_state_that_is_none_is_refused_and_changes_nothing(state: dict[str, object]) -> None:
    policy = QuantilePolicy(QuantilePolicy.Settings(), PolicyContext(seed=0))
    with pytest.raises(ValueError, match="expected"):
        policy.restore(state)
    assert policy.snapshot() == {"sketches": {}, "accepted": {}}

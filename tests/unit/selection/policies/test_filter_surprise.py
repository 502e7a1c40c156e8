from __future__ import annotations

import pytest

from ccit.selection.policies.filter_surprise import in_proportion, surprise
from tests.unit.selection.policies.test_compared import policy_of, stream, taken


@pytest.mark.parametrize("rest", [0.1, 0.5, 0.9])
def test_the_chances_add_up_to_the_share_also_where_some_are_certain(rest: float) -> None:
    sizes = sorted([0.1] * 50 + [1.0] * 30 + [40.0] * 20)
    chance = in_proportion(sizes, rest)
    assert sum(map(chance, sizes)) == pytest.approx(rest * 100)
    assert chance(0.2) == pytest.approx(min(1.0, 2 * chance(0.1)))


def test_nothing_surprises_and_all_have_the_same_chance() -> None:
    assert in_proportion([0.0, 0.0], 0.3)(0.0) == 0.3


def test_twice_as_surprising_is_taken_twice_as_often() -> None:
    """Among those that are not in the reference, which is a fifth of the taken."""
    policy = policy_of("filter_surprise", share=0.1, reference_share=0.02)
    given = stream(6000)
    taken(policy, given[:2000])
    found = taken(policy, given[2000:])
    came, got = ([surprise(one) or 0.0 for one in some] for some in (given[2000:], found))
    rates = [sum(low <= x < high for x in got) / sum(low <= x < high for x in came) for low, high in ((0.5, 1), (2, 4))]
    assert 1.8 < rates[1] / rates[0] < 5.5

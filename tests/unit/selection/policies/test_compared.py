"""What the policies that compare have in common: the share is met, and the chances are as they say."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from ccit.plugins import plugins
from ccit.ports.selection import Policy, PolicyContext, Scored
from ccit.records import Score
from tests.nouns import sample

KINDS = ("clusters", "filter_surprise", "oasis", "quantile")


def policy_of(kind: str, **settings: Any) -> Policy:
    entry = plugins("policy")[kind]
    made: Policy = entry.cls(entry.settings(**settings), PolicyContext(seed=3))
    return made


def stream(count: int, spread: float = 1.0, version: int = 0, begin: int = 0) -> list[Scored]:
    """Perplexities of e^0.5 and more, novelties of 0.2 to 1, IFDs of 0 to `spread`."""
    rng = random.Random(begin)
    values = [(math.exp(0.5 + rng.expovariate(1.0)), rng.uniform(0.2, 1), spread * rng.random()) for _ in range(count)]
    metrics = ("ppl_conditional", "novelty", "ifd", "cluster")
    return [
        Scored(sample(begin + n), tuple(map(Score, metrics, (*own, float(n % 10)), ["test"] * 4)), version)
        for n, own in enumerate(values)
    ]


def taken(policy: Policy, given: Sequence[Scored], batch: int = 100) -> list[Scored]:
    found = []
    for begin in range(0, len(given), batch):
        part = given[begin : begin + batch]
        found += [one for one, choice in zip(part, policy.choose(part), strict=True) if choice is None]
        policy.commit()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.15, 0.5])
def test_the_share_is_met(kind: str, share: float) -> None:
    """Within what 150 and more values of the reference estimate: three standard deviations are under 0.08."""
    found = taken(policy_of(kind, share=share), stream(3000))
    assert len(found) / 3000 == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize(("kind", "metric"), [("filter_surprise", "ppl_conditional"), ("oasis", "novelty")])
def test_what_says_more_is_taken_more_often(kind: str, metric: str) -> None:
    given = stream(3000)
    found = taken(policy_of(kind), given)
    middle = sorted(one.value(metric) or 0.0 for one in given)[1500]
    high = sum((one.value(metric) or 0.0) > middle for one in found)
    assert high > 1.3 * (len(found) - high) > 0, "and the rest keeps a chance"


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_without_a_score_has_the_chance_of_the_share(kind: str) -> None:
    policy = policy_of(kind, share=0.3)
    taken(policy, stream(1000))
    bare = [Scored(sample(n), ()) for n in range(5000, 7000)]
    assert len(taken(policy, bare)) / 2000 == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    "wrong", [{"share": 0.1, "reference_share": 0.2}, {"least": 300}, {"share": 0.0}, {"reference_share": 0.0}]
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy_of("filter_surprise", **wrong)

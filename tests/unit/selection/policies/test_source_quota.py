from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from ccit.config import Config
from ccit.ports.selection import PolicyContext, Scored
from ccit.records import Decision
from ccit.selection.policies.source_quota import SourceQuotaPolicy
from tests.nouns import sample


def policy_of(**settings: Any) -> SourceQuotaPolicy:
    return SourceQuotaPolicy(SourceQuotaPolicy.Settings(**settings), PolicyContext(seed=0))


def stream() -> Iterator[list[Scored]]:
    """250 poisoned samples of one source among as many of two others, in batches of 64."""
    sources = ("poison", "ward", "poison", "clinic")
    samples = [replace(sample(n), source=sources[n % 4]) for n in range(500)]
    yield from ([Scored(one, ()) for one in samples[n : n + 64]] for n in range(0, 500, 64))


@pytest.mark.parametrize(
    "within", [{"kind": "thresholds"}, {"kind": "filter_lot", "share": 0.5}, {"kind": "random", "share": 0.4}]
)
def test_250_poisoned_samples_of_one_source_never_enter_as_more_than_50(within: dict[str, Any]) -> None:
    """Whatever chooses within, and through every restart: half of the batches are decided by a scorer that has read
    the accepted samples, or a snapshot.
    """
    policy = policy_of(most=50, sources={"ward": 500}, within=within)
    taken: list[Decision] = []
    for number, batch in enumerate(stream()):
        choices = policy.choose(batch)
        found = [Decision(one.sample, True, "accepted") for one, why in zip(batch, choices, strict=True) if why is None]
        if number % 3 == 1:  # a crash before the commit: the batch comes again to a scorer that reads the log
            policy = policy_of(most=50, sources={"ward": 500}, within=within)
            policy.observe(taken)
            assert policy.choose(batch) == choices
        policy.commit()
        taken += found
    counts = Counter(decision.sample.source for decision in taken)
    assert counts["poison"] == 50
    assert counts["clinic"] <= 50
    assert counts["ward"] > 40, "the quota of one takes nothing from another"


def test_room_that_is_left_goes_to_the_next() -> None:
    """Within a batch too: half of the first fifty lose the lot, and later ones take their places."""
    policy = policy_of(most=50, within={"kind": "filter_lot", "share": 0.5})
    choices = policy.choose([Scored(sample(n), ()) for n in range(250)])
    assert choices.count(None) == 50
    assert set(choices) == {None, "over_budget", "quota_reached"}


def test_it_needs_what_the_policy_within_needs() -> None:
    assert policy_of(within={"kind": "random"}).needs == ()
    assert policy_of().needs is None
    assert set(policy_of(within={"kind": "random"}).reasons) == {"quota_reached", "not_drawn"}


def test_it_does_not_stand_within_itself() -> None:
    with pytest.raises(ValidationError, match="source_quota"):
        policy_of(within={"kind": "source_quota"})


def test_a_state_of_another_policy_within_is_refused() -> None:
    state = {"sources": {"ward": 3}, "within": {"what is this": 1}}
    policy = policy_of()
    with pytest.raises(ValueError, match="expected"):
        policy.restore(state)
    assert policy.snapshot()["sources"] == {}


def test_the_configuration_takes_it_and_gives_it_back() -> None:
    table = {"kind": "source_quota", "most": 50, "within": {"kind": "filter_lot", "share": 0.25}}
    config = Config.model_validate({"selection": {"policy": table}})
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert config.model_dump(mode="json")["selection"]["policy"]["within"]["share"] == 0.25

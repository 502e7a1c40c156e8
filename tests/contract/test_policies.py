"""What every registered Policy must do: a draw that repeats, and a state that follows from the log alone."""

from __future__ import annotations

import itertools
import json
import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.plugins import Plugin, plugins
from ccit.ports.selection import Choices, Policy, PolicyContext, Scored
from ccit.records import Decision, Sample, Score
from ccit.selection.reasons import OWN
from tests.evenly import EvenlyPolicy

METRICS = sorted(vars(found.cls)["metric"] for found in plugins("check").values())
GIVEN = sorted({*METRICS, "ppl_conditional"})
CONTEXT = PolicyContext(seed=7)

# Short streams must reach what a policy does when it knows enough.
_SOON = {"share": 0.6, "reference_share": 0.4, "least": 2, "reference_size": 3}
SETTINGS: dict[str, dict[str, Any]] = {
    "clusters": _SOON,
    "filter_surprise": _SOON,
    "oasis": _SOON,
    "quantile": _SOON | {"floor": 1, "length_bounds": [5]},
    "source_quota": {"most": 3, "within": {"kind": "quantile", **_SOON, "floor": 1}},
}
ENTRIES = [*plugins("policy").values(), Plugin("policy", "evenly", EvenlyPolicy, "tests")]
each = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.kind for entry in ENTRIES])
few = settings(max_examples=40)  # of each law for each policy: drawing a stream costs more than deciding it

# A value is one of 256: ends, ties, neighbours, the least there is, and numbers that no sum holds exactly. A sample's
# are drawn as the bytes that choose them, at once: each metric's float by itself took ten times as long.
_SPECIAL = (0.0, 0.5, 1.0, 2.0, math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), math.nextafter(2.0, 0.0), 5e-324)
VALUES = tuple(itertools.islice(itertools.cycle(_SPECIAL), 64)) + tuple(np.random.default_rng(0).uniform(0, 2, 192))

scored = st.builds(
    lambda number, group, values, version: Scored(
        Sample(f"s{number}", f"r{number}", "ward", "en", "Which dose?", f"{number} mg.", group=group),
        tuple(Score(metric, float(VALUES[value]), "test") for metric, value in zip(GIVEN, values, strict=True)),
        version,
    ),
    st.integers(0, 999),
    st.sampled_from(["", "heart", "skin"]),
    st.binary(min_size=len(GIVEN), max_size=len(GIVEN)),
    st.integers(0, 6),
)
batches = st.lists(st.lists(scored, max_size=5), max_size=5)


def policy_of(entry: Plugin) -> Policy:
    found: Policy = entry.cls(entry.settings(**SETTINGS.get(entry.kind, {})), CONTEXT)
    return found


def taken(batch: Sequence[Scored], choices: Choices) -> list[Decision]:
    """The accepted ones, as the log would bring them."""
    return [
        Decision(one.sample, True, "accepted", one.scores, one.proxy_version)
        for one, reason in zip(batch, choices, strict=True)
        if reason is None
    ]


def decided(policy: Policy, batches: Sequence[Sequence[Scored]]) -> list[Decision]:
    """Choose and commit each batch; what was accepted."""
    accepted = []
    for batch in batches:
        accepted += taken(batch, policy.choose(batch))
        policy.commit()
    return accepted


@each
@few
@given(batches=batches)
def test_equal_streams_are_chosen_from_alike(entry: Plugin, batches: list[list[Scored]]) -> None:
    assert decided(policy_of(entry), batches) == decided(policy_of(entry), batches)


@each
@few
@given(batch=st.lists(scored, max_size=8))
def test_each_sample_has_one_answer_with_a_reason_that_is_declared(entry: Plugin, batch: list[Scored]) -> None:
    policy = policy_of(entry)
    choices = policy.choose(batch)
    assert len(choices) == len(batch)
    assert {choice for choice in choices if choice is not None} <= set(policy.reasons)
    assert all(label and meaning for label, meaning in policy.reasons.values())
    assert not set(policy.reasons) & set(OWN)


@each
@few
@given(before=batches, batch=st.lists(scored, max_size=5))
def test_an_aborted_batch_leaves_no_trace(entry: Plugin, before: list[list[Scored]], batch: list[Scored]) -> None:
    policy, untouched = policy_of(entry), policy_of(entry)
    decided(policy, before)
    decided(untouched, before)
    policy.choose(batch)
    policy.abort()
    assert policy.snapshot() == untouched.snapshot()
    assert policy.choose(batch) == untouched.choose(batch)


@each
@few
@given(batches=batches, probe=st.lists(scored, max_size=5), order=st.randoms(use_true_random=False))
def test_the_state_follows_from_what_was_accepted(
    entry: Plugin, batches: list[list[Scored]], probe: list[Scored], order: object
) -> None:
    """Decided here, read from the log in any order, or taken from a snapshot: a restarted scorer chooses alike."""
    here, read, restored = policy_of(entry), policy_of(entry), policy_of(entry)
    accepted = decided(here, batches)
    shuffled = list(accepted)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' random.Random
    for decision in shuffled:
        read.observe([decision])
    assert read.snapshot() == here.snapshot()
    restored.restore(json.loads(json.dumps(here.snapshot())))
    assert restored.snapshot() == here.snapshot()
    assert here.choose(probe) == read.choose(probe) == restored.choose(probe)


@each
@few
@given(batches=batches)
def test_a_snapshot_holds_what_is_committed_alone(entry: Plugin, batches: list[list[Scored]]) -> None:
    policy = policy_of(entry)
    fresh = policy.snapshot()
    for batch in batches:
        policy.choose(batch)
    assert policy.snapshot() == fresh


@each
def test_a_policy_without_a_state_keeps_none(entry: Plugin) -> None:
    policy = policy_of(entry)
    if not policy.stateful:
        assert policy.snapshot() == {}


@each
def test_a_strange_state_is_refused(entry: Plugin) -> None:
    with pytest.raises(ValueError, match="expected"):
        policy_of(entry).restore({"what is this": 1})


@each
@few
@given(batches=batches, probe=st.lists(scored, max_size=5))
def test_a_policy_travels_to_another_process(entry: Plugin, batches: list[list[Scored]], probe: list[Scored]) -> None:
    policy = policy_of(entry)
    decided(policy, batches)
    there: Policy = pickle.loads(pickle.dumps(policy))
    assert there.choose(probe) == policy.choose(probe)


@each
def test_what_it_needs_is_a_metric_of_some_check(entry: Plugin) -> None:
    assert set(policy_of(entry).needs or ()) <= set(METRICS)

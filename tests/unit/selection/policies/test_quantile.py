from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ports.selection import PolicyContext, Scored
from ccit.records import Score
from ccit.selection.policies.quantile import QuantilePolicy
from tests.nouns import sample
from tests.unit.selection.policies.test_compared import policy_of, stream, taken


def one_of(number: int, value: float, group: str = "", text: str = "", lang: str = "en") -> Scored:
    own = sample(number, group=group)
    return Scored(replace(own, response=text or own.response, lang=lang), (Score("ifd", value, "test"),))


def test_the_best_are_taken_and_the_quantile_follows_a_new_version() -> None:
    """Under version 1 every score is a tenth of what it was: a fixed threshold would let nothing in."""
    policy = policy_of("quantile", share=0.3)
    taken(policy, stream(1500))
    given = stream(2500, spread=0.1, version=1, begin=2000)
    taken(policy, given[:500])  # until there are values of the new version, by lot
    found = taken(policy, given[500:])
    assert len(found) / 2000 == pytest.approx(0.3, abs=0.08)
    chosen = [one for one in found if (one.value("ifd") or 0.0) > 0.07]
    assert len(chosen) / len(found) > 0.6, "a tenth of all is taken by lot, the others from the top"


@pytest.mark.parametrize(("prefer", "low", "high"), [("high", 0.7, 1.0), ("low", 0.0, 0.3), ("middle", 0.3, 0.7)])
def test_what_is_best_is_a_setting(prefer: str, low: float, high: float) -> None:
    policy = policy_of("quantile", share=0.3, prefer=prefer)
    found = taken(policy, stream(2000))[150:]
    inside = sum(low <= (one.value("ifd") or 0.0) <= high for one in found)
    assert inside / len(found) > 0.65


def test_each_stratum_has_its_own_budget() -> None:
    """Scores of one domain lie far above those of the other; both keep their share."""
    given = [one_of(n, n % 97 / 97 + 5 * (n % 2), group=("heart", "skin")[n % 2]) for n in range(3000)]
    counts = Counter(one.sample.group for one in taken(policy_of("quantile", share=0.3), given))
    assert counts["heart"] == pytest.approx(450, abs=120)
    assert counts["skin"] == pytest.approx(450, abs=120)


def test_the_first_of_a_rare_stratum_are_taken_whatever_they_score() -> None:
    policy = policy_of("quantile", floor=5)
    taken(policy, stream(1000))
    rare = [one_of(n, 0.0, text="Wie hoch ist die Dosis? Zweimal am Tag.") for n in range(1000, 1020)]
    assert policy.choose(rare)[:5] == [None] * 5
    assert policy_of("quantile", floor=0, reference_share=0.01, share=0.01).choose(rare)[:5] != [None] * 5


def test_values_that_tie_are_drawn_to_the_budget() -> None:
    """A metric with two values, as a check that says yes or no gives it."""
    given = [one_of(n, float(n % 2)) for n in range(3000)]
    found = taken(policy_of("quantile", share=0.3), given)
    assert len(found) / 3000 == pytest.approx(0.3, abs=0.06)


def test_the_language_of_a_stratum_is_that_of_the_text() -> None:
    """Whoever names a rare language has no floor for it."""
    policy = QuantilePolicy(QuantilePolicy.Settings(), PolicyContext(seed=0))
    english = "The dose is two tablets a day, taken with water."
    named = {policy._stratum(one_of(0, 0.0, text=english, lang=lang)) for lang in ("en", "sw", "en-GB")}
    assert {found.split("\t")[1] for found in named} == {"en"}


@given(st.lists(st.integers(0, 5), min_size=3, max_size=12), st.sampled_from(["high", "low"]), st.floats(0, 1))
def test_the_share_is_met_however_few_the_values_and_whatever_ties(values: list[int], prefer: str, rest: float) -> None:
    """Each value against all others: their chances add up to the share of all."""
    settings = QuantilePolicy.Settings.model_validate({"prefer": prefer})
    policy = QuantilePolicy(settings, PolicyContext(seed=0))
    left = (([*values[:n], *values[n + 1 :]], value) for n, value in enumerate(values))
    chances = [policy._rule(sorted(map(float, others)), rest)(float(value)) for others, value in left]
    assert sum(chances) == pytest.approx(rest * len(values))


def test_a_length_bin_begins_at_its_bound() -> None:
    policy = QuantilePolicy(QuantilePolicy.Settings(length_bounds=(10, 5)), PolicyContext(seed=0))
    bins = {policy._stratum(Scored(replace(sample(), response="x" * n), ())) for n in (4, 5, 9, 10)}
    assert {found.split("\t")[-1] for found in bins} == {"0", "1", "2"}

"""What every Rule must do; each implementation is one row of RULES."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.config import Selection
from ccit.ports import Rule
from ccit.records import Reason, Sample, Score
from ccit.selection.baselines import AcceptAll, RandomAtEqualTokens
from ccit.selection.thresholds import PaperThresholds

RULES: Mapping[str, Rule] = {
    "paper": PaperThresholds(Selection()),
    "paper, two languages": PaperThresholds(Selection(languages=("en", "de"))),
    "accept all": AcceptAll(),
    "lot": RandomAtEqualTokens(0.5, seed=3),
}
METRICS = ("length", "novelty", "diversity", "ifd")  # in the order of the checks

samples = st.builds(
    lambda number, lang: Sample(f"s{number}", f"r{number}", "ward", lang, "Which dose?", "500 mg."),
    st.integers(0, 99),
    st.sampled_from(["en", "en-US", "de_AT", "zh", ""]),
)
values = st.one_of(st.none(), st.floats(0, 2000, allow_nan=False))
scored = st.tuples(*[values] * len(METRICS)).map(
    lambda found: [Score(m, v, "test", "" if v is not None else "empty") for m, v in zip(METRICS, found, strict=True)]
)


def mapped(scores: list[Score]) -> dict[str, Score]:
    return {score.metric: score for score in scores}


each = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


@each
@given(sample=samples, scores=scored, checks=st.integers(0, len(METRICS)))
def test_a_rule_is_pure(rule: Rule, sample: Sample, scores: list[Score], checks: int) -> None:
    """Neither time, nor what it was asked before, nor the order of the mapping moves it."""
    seen = scores[:checks]
    first = rule.refuse(sample, mapped(seen))
    rule.refuse(Sample("other", "other", "ward", "zh", "Why?", "No."), mapped(scores))
    assert rule.refuse(sample, mapped(seen[::-1])) is first


@each
@given(sample=samples, scores=scored, checks=st.integers(0, len(METRICS)))
def test_a_refusal_stands_whatever_is_scored_later(
    rule: Rule, sample: Sample, scores: list[Score], checks: int
) -> None:
    """So that the first refusal may end the scoring: later scores cost most."""
    early = rule.refuse(sample, mapped(scores[:checks]))
    if early is not None:
        assert rule.refuse(sample, mapped(scores)) is early


@each
@given(sample=samples, scores=scored)
def test_a_refusal_is_a_reason_that_decisions_know(rule: Rule, sample: Sample, scores: list[Score]) -> None:
    refused = rule.refuse(sample, mapped(scores))
    assert refused is None or refused in set(Reason) - {Reason.ACCEPTED}

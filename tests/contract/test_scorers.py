"""What every Scorer must do; each implementation is one row of SCORERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccit.models.causal import load_causal
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.plugins import Plugin, plugins
from ccit.ports.selection import CheckContext, ProxyScorer, Scorer
from ccit.records import Sample, Score, Turn
from ccit.scoring.ifd import IfdScorer
from ccit.store.files import FileStore
from ccit.testing import check_context, random_model
from tests.contract.registered import made


def ifd(folder: Path) -> ProxyScorer:
    proxy = load_causal(str(random_model(folder / "proxy")), device="cpu", dtype="float32")
    return IfdScorer(proxy, "", FileStore(folder / "store"), 128, 512)


def check(entry: Plugin, context: CheckContext, folder: Path) -> Scorer:
    found: Scorer = made(entry, context)
    return found


SCORERS: Mapping[str, Callable[[CheckContext, Path], Scorer]] = {
    "the proxy": lambda _, folder: ifd(folder),
    **{kind: partial(check, entry) for kind, entry in plugins("check").items()},
}

turns = st.builds(Turn, st.text("ab ", max_size=9), st.text("cd.", max_size=9))
samples = st.builds(
    lambda q, a, history: Sample("s", "r", "ward", "en", q, a, tuple(history)),
    st.text("How many days? 多", max_size=30),
    st.text("Rest. Drink! 喝水。<|im_end|>\n", max_size=60),
    st.lists(turns, max_size=2),
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> CheckContext:
    """One embedder and one proxy for all checks, as in a process that scores."""
    return check_context(SentenceTransformerEmbedder(device="cpu"), ifd(tmp_path_factory.mktemp("proxy of all")))


@pytest.fixture(params=sorted(SCORERS), scope="module")
def scorer(request: pytest.FixtureRequest, context: CheckContext, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return SCORERS[request.param](context, tmp_path_factory.mktemp(request.param))


def numbers(scores: tuple[Score, ...]) -> dict[str, float]:
    """The values there are; a metric without one is missing."""
    return {score.metric: score.value for score in scores if score.value is not None}


@given(batch=st.lists(samples, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_sample_is_scored_in_order_whatever_its_neighbours(scorer: Scorer, batch: list[Sample]) -> None:
    together = scorer.score(batch)
    assert len(together) == len(batch)
    for sample, scores in zip(batch, together, strict=True):
        (alone,) = scorer.score([sample])
        assert [(s.metric, s.unscored, s.truncated) for s in scores] == [
            (s.metric, s.unscored, s.truncated) for s in alone
        ]
        assert numbers(scores) == pytest.approx(numbers(alone), rel=1e-4, abs=1e-4)


@given(sample=samples)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_score_has_a_value_or_a_reason_and_always_a_stamp(scorer: Scorer, sample: Sample) -> None:
    (scores,) = scorer.score([sample])
    assert scores[0].metric == scorer.metric
    for score in scores:
        assert score.value is not None or score.unscored, f"{score.metric}: without a value `unscored` gives the reason"
        assert score.value is None or not score.unscored, f"{score.metric}: with a value `unscored` stays empty"
        assert score.scorer
        assert score.truncated >= 0


def test_an_empty_batch_is_no_trouble(scorer: Scorer) -> None:
    assert scorer.score([]) == []


def test_only_a_scorer_that_follows_versions_is_taken_for_one(context: CheckContext, tmp_path: Path) -> None:
    assert isinstance(SCORERS["the proxy"](context, tmp_path), ProxyScorer)
    assert not isinstance(SCORERS["length"](context, tmp_path), ProxyScorer)

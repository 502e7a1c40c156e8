from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.config import Selection
from ccit.records import Reason, Sample, Score
from ccit.scoring.diversity import ONE_SENTENCE
from ccit.scoring.novelty import novelty_score
from ccit.selection.thresholds import PaperThresholds

LIMITS = Selection(
    languages=["en", "zh"],
    min_length=10,
    max_length=100,
    max_similarity=0.95,
    min_diversity=0.25,
    min_ifd=0.6,
    max_ifd=1.0,
)
GOOD = {"length": 50.0, "novelty": 0.5, "diversity": 0.5, "ifd": 0.8}


def of(lang: str = "en") -> Sample:
    return Sample("s", "r", "ward", lang, "Why?", "Rest.")


def scores(**values: float) -> dict[str, Score]:
    return {metric: Score(metric, value, "test") for metric, value in values.items()}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"length": 9.0}, Reason.TOO_SHORT),
        ({"length": 10.0}, None),
        ({"length": 100.0}, None),
        ({"length": 101.0}, Reason.TOO_LONG),
        ({"novelty": 0.0}, Reason.NOT_NOVEL),
        ({"novelty": 2.0}, None),
        ({"diversity": 0.249}, Reason.NOT_DIVERSE),
        ({"diversity": 0.25}, None),
        ({"ifd": 0.6}, Reason.IFD_TOO_LOW),
        ({"ifd": 0.601}, None),
        ({"ifd": 0.999}, None),
        ({"ifd": 1.0}, Reason.IFD_TOO_HIGH),
        ({"length": 1.0, "ifd": 2.0}, Reason.TOO_SHORT),
    ],
)
def test_thresholds(changed: dict[str, float], reason: Reason | None) -> None:
    assert PaperThresholds(LIMITS).refuse(of(), scores(**{**GOOD, **changed})) is reason


@pytest.mark.parametrize(("similarity", "reason"), [(0.95, Reason.NOT_NOVEL), (0.949999, None), (-1.0, None)])
def test_the_similarity_itself_is_compared(similarity: float, reason: Reason | None) -> None:
    rule = PaperThresholds(LIMITS)
    assert rule.refuse(of(), {"novelty": novelty_score(similarity, "e")}) is reason


@pytest.mark.parametrize(
    ("lang", "listed", "reason"),
    [
        ("en", ["en"], None),
        ("en-US", ["en"], None),
        ("EN_gb", ["en"], None),
        ("zh", ["en"], Reason.LANGUAGE),
        ("", ["en"], Reason.LANGUAGE),
        ("", [], None),
        ("xx", [], None),
    ],
)
def test_languages(lang: str, listed: list[str], reason: Reason | None) -> None:
    assert PaperThresholds(Selection(languages=listed)).refuse(of(lang), {}) is reason


def test_one_sentence_passes_and_other_failures_are_unscored() -> None:
    rule = PaperThresholds(LIMITS)
    assert rule.refuse(of(), {"diversity": Score("diversity", None, "t", unscored=ONE_SENTENCE)}) is None
    assert rule.refuse(of(), {"ifd": Score("ifd", None, "t", unscored="not finite")}) is Reason.UNSCORED


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.floats(0, 200)), st.floats(0, 2), st.floats(0, 2))
def test_less_novel_is_refused_more_readily(given_scores: dict[str, float], a: float, b: float) -> None:
    rule = PaperThresholds(LIMITS)
    less, more = sorted((a, b))
    if rule.refuse(of(), scores(**{**given_scores, "novelty": less})) is None:
        assert rule.refuse(of(), scores(**{**given_scores, "novelty": more})) is None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.records import Score
from ccit.scoring.languages import UNKNOWN_LANGUAGE
from ccit.selection.checks.wrong_answer import NOT_MEASURED, WrongAnswerCheck, evidence
from ccit.testing import check_context

cosine = st.floats(-1, 1)
measured = st.fixed_dictionaries(
    {"relevance": cosine}, optional={"attribution": cosine, "agreement": cosine, "ifd": st.floats(0.01, 10)}
)
CHECK = WrongAnswerCheck(WrongAnswerCheck.Settings(), check_context())


def derived(values: dict[str, float]) -> float:
    (score,) = CHECK.derived([Score(metric, value, "t") for metric, value in values.items()])
    assert score.value is not None
    return score.value


@given(measured, st.sampled_from(["relevance", "attribution", "agreement", "ifd"]), st.floats(0, 1))
def test_it_is_monotone_in_each_part(values: dict[str, float], part: str, step: float) -> None:
    before = derived(values)
    assert 0.0 <= before <= 1.0
    if part in values:
        after = derived(values | {part: values[part] + step})
        assert after >= before if part == "ifd" else after <= before


def test_what_was_not_measured_counts_for_nothing() -> None:
    (score,) = CHECK.derived([Score("relevance", 0.4, "t"), Score("agreement", None, "t", unscored="none near")])
    assert score.value == pytest.approx(derived({"relevance": 0.4}))
    assert evidence({"relevance": 0.45, "attribution": -0.15, "agreement": 0.45, "ifd": 1.0}) == pytest.approx(0.0)


def test_without_a_relevance_there_is_no_number() -> None:
    why = f"{UNKNOWN_LANGUAGE}: zh"
    (foreign,) = CHECK.derived([Score("relevance", None, "t", unscored=why), Score("ifd", 1.4, "t")])
    (nothing,) = CHECK.derived([Score("ifd", 1.4, "t")])
    (failed,) = CHECK.derived([Score("relevance", None, "t", unscored="the device is gone")])
    assert (foreign.value, foreign.unscored, CHECK.refuse(foreign)) == (None, why, None)
    assert (nothing.unscored, CHECK.refuse(nothing)) == (NOT_MEASURED, None)
    assert CHECK.refuse(failed) == "unscored"


def test_whichever_formula_the_ifd_follows_it_counts_the_same() -> None:
    """The ratio of losses of the same two passes is another number."""
    passes = {"ppl_conditional": 6.0, "ppl_direct": 8.0, "relevance": 0.4}
    expected = derived({"relevance": 0.4, "ifd": 0.75})
    assert derived({**passes, "ifd": 0.75}) == derived({**passes, "ifd": 0.86}) == expected

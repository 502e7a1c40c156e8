from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccit.records import Sample, Score
from ccit.selection.checks.length import LengthCheck, Unit
from ccit.testing import check_context


def of(response: str) -> Sample:
    return Sample("s", "r", "ward", "en", "How long?", response)


def check(unit: Unit = "characters", low: int = 10, high: int = 100) -> LengthCheck:
    return LengthCheck(LengthCheck.Settings(unit=unit, min=low, max=high), check_context())


@pytest.mark.parametrize(
    ("unit", "response", "length"),
    [
        ("characters", "  déjà vu \n", 7.0),
        ("characters", "多喝水。", 4.0),
        ("characters", "   ", 0.0),
        ("sentences", "One. Two.", 2.0),
        ("sentences", "多喝水。注意休息。", 2.0),
        ("tokens", "one two three", 3.0),
    ],
)
def test_the_unit_is_counted_and_named(unit: Unit, response: str, length: float) -> None:
    ((score,),) = check(unit).score([of(response)])
    assert (score.metric, score.value) == ("length", length)
    assert f"unit={unit}" in score.scorer
    assert ("tokenizer=words" in score.scorer) is (unit == "tokens")


@pytest.mark.parametrize(
    ("length", "reason"),
    [(9.0, "too_short"), (10.0, None), (100.0, None), (101.0, "too_long"), (None, "unscored")],
)
def test_both_limits_are_allowed(length: float | None, reason: str | None) -> None:
    assert check().refuse(Score("length", length, "t", "" if length is not None else "why")) == reason


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"min \(9\) is above max \(8\)"):
        LengthCheck.Settings(min=9, max=8)

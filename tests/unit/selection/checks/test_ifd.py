from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from ccit.records import Score
from ccit.selection.checks.ifd import IfdCheck
from ccit.testing import FixedProxy, check_context
from tests.nouns import sample


def check() -> IfdCheck:
    return IfdCheck(IfdCheck.Settings(min=0.6, max=1.0), check_context(proxy=FixedProxy(0.7)))


@pytest.mark.parametrize(
    ("value", "reason"),
    [(0.6, "ifd_too_low"), (0.601, None), (0.999, None), (1.0, "ifd_too_high"), (None, "unscored")],
)
def test_neither_limit_is_allowed(value: float | None, reason: str | None) -> None:
    assert check().refuse(Score("ifd", value, "t", "" if value is not None else "not finite")) == reason


def test_the_proxy_scores() -> None:
    assert [score.value for (score,) in check().score([sample(0), sample(1)])] == [0.7, 0.7]


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"min \(1.5\) is not below max \(1.0\)"):
        IfdCheck.Settings(min=1.5)


def test_only_what_is_too_high_is_quarantined() -> None:
    given = [Score("ifd", value, "t", truncated=9) for value in (0.5, 0.8, 1.0)] + [Score("ifd", None, "t", "gone")]
    assert [check().cause(sample(), score) for score in given] == ["", "", "truncation", ""]


def test_the_formula_is_the_proxys() -> None:
    asked: list[tuple[object, ...]] = []

    def proxy(*of: object) -> FixedProxy:
        asked.append(of)
        return FixedProxy(0.7)

    for settings in (IfdCheck.Settings(), IfdCheck.Settings(formula="losses", max_tokens=64)):
        IfdCheck(settings, replace(check_context(), proxy=proxy))
    assert asked == [(2048, 8192, "perplexities"), (64, 8192, "losses")]

from __future__ import annotations

import pytest

from ccit.records import Sample, Score
from ccit.selection.checks.repetition import TOO_SHORT, RepetitionCheck
from ccit.testing import check_context


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Rest for two weeks. " * 4, "repetitive"),
        ("多喝水，注意休息。" * 4, "repetitive"),
        ("Rest for two weeks. Then rest for two days more.", None),
        ("Rest.", None),
    ],
)
def test_what_says_the_same_words_again_is_refused(answer: str, reason: str | None) -> None:
    check = RepetitionCheck(RepetitionCheck.Settings(), check_context())
    ((score,),) = check.score([Sample("s", "r", "ward", "en", "Why?", answer)])
    assert check.refuse(score) == reason


def test_too_short_passes_and_another_missing_value_does_not() -> None:
    check = RepetitionCheck(RepetitionCheck.Settings(), check_context())
    assert check.refuse(Score("repetition", None, "t", unscored=TOO_SHORT)) is None
    assert check.refuse(Score("repetition", None, "t", unscored="gone")) == "unscored"

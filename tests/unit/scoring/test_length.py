from __future__ import annotations

import pytest

from ccit.errors import ConfigError
from ccit.records import Sample
from ccit.scoring.length import LengthScorer, Unit


def of(response: str) -> Sample:
    return Sample("s", "r", "ward", "en", "How long?", response)


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
    ((score,),) = LengthScorer(unit, lambda text: len(text.split()), "blanks").score([of(response)])
    assert (score.metric, score.value) == ("length", length)
    assert f"unit={unit}" in score.scorer


def test_tokens_need_a_tokenizer() -> None:
    with pytest.raises(ConfigError, match="tokenizer"):
        LengthScorer("tokens")

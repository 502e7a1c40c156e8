"""What checks share that give no number in a language that the embedder does not know."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ccit.records import Sample, Score
from ccit.scoring.languages import UNKNOWN_LANGUAGE
from ccit.selection.checks.abstaining import refused_without_value, scored_where_known

ENGLISH = Sample("s1", "r1", "ward", "en", "How long should one rest?", "Rest for two weeks and drink enough water.")
CHINESE = Sample("s2", "r2", "ward", "en", "多喝水吗？", "每天八杯水，分几次喝。")


def unscored(why: str) -> Score:
    return Score("m", None, "v", unscored=why)


def test_those_of_a_known_language_are_scored_together_and_in_their_places() -> None:
    asked: list[Sequence[Sample]] = []

    def scored(samples: Sequence[Sample]) -> list[Score]:
        asked.append(samples)
        return [Score("m", float(n), "v") for n, _ in enumerate(samples)]

    found = scored_where_known([ENGLISH, CHINESE, ENGLISH], {"en"}, scored, unscored)
    assert asked == [[ENGLISH, ENGLISH]]
    assert [score.value for (score,) in found] == [0.0, None, 1.0]
    assert found[1][0].unscored == f"{UNKNOWN_LANGUAGE}: zh"


def test_nothing_is_asked_for_where_no_language_is_known() -> None:
    def scored(samples: Sequence[Sample]) -> list[Score]:
        raise AssertionError("nothing is to be embedded")

    assert [score.value for (score,) in scored_where_known([CHINESE], {"en"}, scored, unscored)] == [None]


@pytest.mark.parametrize(
    ("why", "refused"), [(f"{UNKNOWN_LANGUAGE}: zh", None), ("one sentence", None), ("not finite", "unscored")]
)
def test_a_score_without_a_value_is_refused_unless_there_is_a_reason_to_pass(why: str, refused: str | None) -> None:
    assert refused_without_value(unscored(why), "one sentence") == refused

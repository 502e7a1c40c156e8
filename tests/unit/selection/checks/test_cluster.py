from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from ccit.selection.checks.cluster import ClusterCheck
from ccit.testing import check_context
from tests.nouns import sample

ASKED = [replace(sample(n), instruction=text) for n, text in enumerate(["aaab?", "bbbc?", "xyz?", "eeee?", "?"])]


def numbers(clusters: int = 64, seed: int = 0) -> list[float | None]:
    check = ClusterCheck(ClusterCheck.Settings(clusters=clusters), replace(check_context(), seed=seed))
    return [score.value for (score,) in check.score(ASKED)]


def test_every_scorer_gives_the_same_numbers() -> None:
    assert numbers() == numbers()
    assert numbers() != numbers(seed=1)
    assert {number for number in numbers(clusters=2) if number is not None} <= {0.0, 1.0}


def test_the_answer_does_not_move_a_question() -> None:
    check = ClusterCheck(ClusterCheck.Settings(), check_context())
    said = [replace(ASKED[0], response=text) for text in ("Yes.", "Never, under no circumstances.")]
    assert len({score.value for (score,) in check.score(said)}) == 1


def test_a_language_that_the_embedder_does_not_know_has_no_number_and_passes() -> None:
    chinese = replace(sample(), instruction="发烧了怎么办？", response="发烧时应多喝水，注意休息。")
    check = ClusterCheck(ClusterCheck.Settings(), replace(check_context(), languages=frozenset({"en"})))
    (known,), (unknown,) = check.score([sample(), chinese])
    assert known.value is not None
    assert (unknown.value, check.refuse(unknown)) == (None, None)
    assert unknown.unscored.endswith(": zh")


def test_directions_come_in_pairs() -> None:
    with pytest.raises(ValidationError, match="multiple of 2"):
        ClusterCheck.Settings(clusters=63)

from __future__ import annotations

from ccit.records import Sample, Turn
from ccit.scoring.novelty import novelty_score, novelty_text


def test_the_last_exchange_comes_first_and_old_turns_last() -> None:
    sample = Sample("s", "r", "ward", "en", "And then?", "Rest.", (Turn("old q", "old a"), Turn("new q", "new a")))
    assert novelty_text(sample).split("\n") == ["And then?", "Rest.", "new q", "new a", "old q", "old a"]


def test_a_copy_has_no_novelty_and_the_first_sample_has_all() -> None:
    assert novelty_score(1.0, "e").value == 0.0
    assert novelty_score(-1.0, "e").value == 2.0
    assert "e" in novelty_score(0.5, "e").scorer.split()

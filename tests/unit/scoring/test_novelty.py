from __future__ import annotations

from ccit.scoring.novelty import novelty_score


def test_a_copy_has_no_novelty_and_the_first_sample_has_all() -> None:
    assert novelty_score(1.0, "e").value == 0.0
    assert novelty_score(-1.0, "e").value == 2.0
    assert "e" in novelty_score(0.5, "e").scorer.split()


def test_the_stamp_names_the_space_where_it_is_not_the_whole_sample() -> None:
    assert novelty_score(0.5, "e").scorer == "novelty.v1 1-max-cosine e"
    assert novelty_score(0.5, "e", "question").scorer == "novelty.v1 1-max-cosine question e"

import pytest

from ccit.evaluation.overlap import rouge_l


def test_rouge_l_is_the_longest_common_subsequence() -> None:
    assert rouge_l("the cat sat", "the cat sat") == 1.0
    # longest common subsequence 2 of 3 and 4 tokens: precision 2/3, recall 2/4
    assert rouge_l("the dog sat", "the old cat sat") == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert rouge_l("", "the cat") == 0.0


def test_chinese_is_compared_character_by_character() -> None:
    assert rouge_l("高血压", "高血压") == 1.0
    assert rouge_l("高血糖", "高血压") == pytest.approx(2 / 3)

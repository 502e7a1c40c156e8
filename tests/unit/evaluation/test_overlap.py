import pytest

from ccit.evaluation.overlap import MAX_TOKENS, rouge_l


def test_rouge_l_is_the_longest_common_subsequence() -> None:
    assert rouge_l("the cat sat", "the cat sat") == 1.0
    # longest common subsequence 2 of 3 and 4 tokens: precision 2/3, recall 2/4
    assert rouge_l("the dog sat", "the old cat sat") == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert rouge_l("", "the cat") == 0.0


def test_chinese_is_compared_character_by_character() -> None:
    assert rouge_l("高血压", "高血压") == 1.0
    assert rouge_l("高血糖", "高血压") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("５００　ｍｇ", "500 mg"),
        ("ﬁbrin", "fibrin"),
        ("e\u0301lan", "\u00e9lan"),
        ("रोज़ दो गोली", "रोज़ दो गोली।"),
        ("ｱｽﾋﾟﾘﾝ", "アスピリン"),
        ("ประเทศไทย", "ประเทศไทย"),
        ("ОТДЫХ", "отдых"),
    ],
)
def test_other_scripts_and_forms_of_unicode_are_the_same_text(answer: str, reference: str) -> None:
    assert rouge_l(answer, reference) == 1.0


def test_words_of_other_scripts_are_told_apart() -> None:
    assert rouge_l("दिन", "दान") == 0.0  # they differ in a vowel sign alone
    assert 0.0 < rouge_l("ประเทศ", "ประชา") < 1.0  # no blanks between words: character by character


def test_what_is_beyond_the_limit_is_left_out() -> None:
    assert rouge_l("rest " * MAX_TOKENS + "water", "rest " * MAX_TOKENS + "wine") == 1.0

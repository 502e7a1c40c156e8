from __future__ import annotations

import pytest

from ccit.errors import InputError
from ccit.evaluation.options import option_named, options_at_end

OPTIONS = ("A. 5 mg", "B. 50 mg", "C. 500 mg", "D. 5 g")


@pytest.mark.parametrize(
    "lines",
    [
        "A. 5 mg\nB. 50 mg\nC. 500 mg\nD. 5 g",
        "A) 5 mg\nB) 50 mg\nC) 500 mg\nD) 5 g",
        "(A) 5 mg\n(B) 50 mg\n(C) 500 mg\n(D) 5 g",
        "A: 5 mg\nB: 50 mg\nC: 500 mg\nD: 5 g",
        "A、5 mg\nB、50 mg\nC、500 mg\nD、5 g",
        "a) 5 mg\nb) 50 mg\nc) 500 mg\nd) 5 g",
        "Ａ．　5 mg\nＢ．　50 mg\nＣ．　500 mg\nＤ．　5 g",
        "（A）5 mg\n（B）50 mg\n（C）500 mg\n（D）5 g",
        "  A. 5 mg\r\n  B. 50 mg\r\n  C. 500 mg\r\n  D. 5 g\r\n",
        "A. 5 mg\nB. 50 mg\nC. 500 mg\nD. 5 g\nReply with the letter of the right option.",
        "A. 5 mg\n\nB. 50 mg\n\nC. 500 mg\n\nD. 5 g",
    ],
)
def test_options_are_found_however_they_are_marked(lines: str) -> None:
    assert options_at_end(f"Which dose?\n{lines}") == OPTIONS


def test_a_line_after_the_options_is_no_part_of_the_last() -> None:
    assert options_at_end("Which?\nA. One\nB. Two\nAnswer briefly.") == ("A. One", "B. Two")
    assert options_at_end("Which?\nA. One\nmore\nB. Two\nlines") == ("A. One\nmore", "B. Two\nlines")
    assert options_at_end("Which?\nA. One\nmore\nB. Two\n\nAnswer briefly.") == ("A. One\nmore", "B. Two")


@pytest.mark.parametrize(
    "question",
    ["Which?", "Which?\nA. One", "A. One\nC. Two", "A. One\nB. Two\n\nThe patient said:\nno.\nSummarise."],
)
def test_a_list_elsewhere_is_no_choice(question: str) -> None:
    assert options_at_end(question) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "C",
        "C.",
        "c",
        "C. 500 mg",
        "(C) 500 mg",
        "C: 500 mg",
        "C、500 mg",
        "c) 500 mg",
        "Ｃ．500 mg",
        "C - 500 mg",
        "C\n500 mg, since A. 5 mg is too little.",
        "500 mg.",
        "The answer is C.",
        "The correct answer is (C), because less does nothing.",
        "Answer: C",
        "Correct option: C. 500 mg",
        "A daily dose of 500 mg is right, so C.",
        "A and B are both wrong; C.",
        "Neither A nor B. Therefore C",
        "C is correct.",
        "C是正确的",
        "C正确，因为剂量合适。",
        "答案是C。",
        "答案：C",
        "故选C。",
        "选项C 是一种剂量。",
        "Less does nothing.\nThe answer is C.",
    ],
)
def test_a_letter_is_read_where_it_stands_as_an_answer(answer: str) -> None:
    assert option_named(answer, OPTIONS) == "C. 500 mg"


def test_letters_in_the_text_of_an_option_do_not_count() -> None:
    options = ("A. U.S.", "B. B", "C. Index (P.I)")
    assert [option_named(option, options) for option in options] == list(options)


@pytest.mark.parametrize(
    "answer",
    [
        "A daily dose of 500 mg.",
        "A and B are both wrong.",
        "A or C.",
        "The answer is A or C.",
        "Neither A nor C is correct.",
        "The answer is not C.",
        "The answer is a daily dose.",
        "a, b and c are all right",
        "A. 5 mg is wrong, the answer is C.",
        "E. None of them",
        "Because it is",
        "Dose by weight",
        "不选C",
        "A和C正确",
        "C不正确",
        "选项C错误",
        "600 mg",
    ],
)
def test_what_names_no_option_for_certain_is_refused(answer: str) -> None:
    with pytest.raises(InputError, match="begin with its letter") as refused:
        option_named(answer, OPTIONS)
    assert "5" not in str(refused.value)

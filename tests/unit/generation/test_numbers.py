"""Numbers of an answer are those of the record."""

from __future__ import annotations

import pytest

from ccit.generation.numbers import fault_of_numbers
from ccit.generation.replies import Reply
from tests.unit.generation.parts import source

RECORD = "Lisinopril 10 mg, 2 tablets. Platelets 150,000. Hb 9.50 g/dL. Seen [2019]."


@pytest.mark.parametrize(
    "answer",
    [
        "Ten milligrams: 10 mg.",
        "Platelets are 150000.",
        "Hb of 9.5 g/dL in [2019].",
        "1. Lisinopril\n2) Platelets\n(3) Hb\n4、其他",
        "10.0 mg, ２ tablets",
    ],
)
def test_those_of_the_record_may_stand_in_the_answer_whatever_their_form(answer: str) -> None:
    assert fault_of_numbers(Reply("r", "", answer, ()), source(RECORD)) is None


@pytest.mark.parametrize("answer", ["100 mg", "1 mg", "Hb 95", "15,000", "in 2020", "9.05 g/dL", "0.10 mg"])
def test_any_other_is_made_up(answer: str) -> None:
    fault = fault_of_numbers(Reply("r", "", answer, ()), source(RECORD))
    assert fault is not None
    assert fault.constraint == "numbers"


def test_those_of_a_question_count_too() -> None:
    assert fault_of_numbers(Reply("r", "Why 40 mg?", "It is not said.", ()), source(RECORD)) is not None

"""A reply that repeats its instructions passes nothing on."""

from __future__ import annotations

import pytest

from ccit.generation.echoes import fault_of_echoes
from ccit.generation.replies import Reply
from tests.unit.generation.parts import ANSWER, prompt, source


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rules_in_an_answer_or_a_question_are_an_echo(language: str) -> None:
    shown = source("双肺清晰。" * 9) if language == "zh" else source()
    rules = prompt("summary.v1", language).messages(shown)[0]["content"]
    for repeated in (rules, rules[100:180], rules[-60:].replace("\n", "  ")):
        assert fault_of_echoes(Reply("r", "", f"{ANSWER} {repeated}", ()), shown, [rules]) is not None
        assert fault_of_echoes(Reply("r", repeated, ANSWER, ()), shown, [rules]) is not None
    assert fault_of_echoes(Reply("r", "", ANSWER, ()), shown, [rules]) is None


def test_the_mark_in_an_answer_is_one() -> None:
    assert fault_of_echoes(Reply("r", "", f"It ends with {source().mark}.", ()), source(), []) is not None

from __future__ import annotations

from dataclasses import replace

from ccit.records import Sample, Turn
from ccit.scoring.spaces import SAMPLE, SPACES, answer_text, question_text, sample_text

TOLD = Sample("s", "r", "ward", "en", "And then?", "Rest.", (Turn("old q", "old a"), Turn("new q", "new a")))


def test_the_last_exchange_comes_first_and_old_turns_last() -> None:
    assert sample_text(TOLD).split("\n") == ["And then?", "Rest.", "new q", "new a", "old q", "old a"]


def test_a_question_is_told_without_its_answer() -> None:
    assert question_text(TOLD).split("\n") == ["And then?", "new q", "new a", "old q", "old a"]


def test_a_system_text_is_compared_too() -> None:
    """The same question about a child of 20 kg and an adult of 80 kg is not the same sample."""
    assert sample_text(replace(TOLD, system="Weight 20 kg.")).split("\n")[-1] == "Weight 20 kg."
    assert question_text(replace(TOLD, system="Weight 20 kg.")).split("\n")[-1] == "Weight 20 kg."


def test_the_whole_sample_is_a_space() -> None:
    assert SPACES[SAMPLE] is sample_text


def test_an_answer_is_told_without_its_question() -> None:
    assert answer_text(TOLD) == "Rest."


def test_both_ends_of_a_long_question_and_the_answer_come_before_the_middle() -> None:
    """The embedder cuts at the end, and the question may stand at either end of a note."""
    note = "First: why? " + "and then he slept. " * 100 + "Last: how long?"
    told = replace(TOLD, instruction=note)
    text = sample_text(told)
    assert text.index("First: why?") < text.index("Last: how long?") < text.index("Rest.") < 600
    assert len(text) == len(sample_text(TOLD)) - len(TOLD.instruction) + len(note) + 2
    assert question_text(told).index("Last: how long?") < 480

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.records import Sample, Score, Turn
from ccit.scoring.causes import CAUSES, cause_of

PLAIN = Sample("s", "r", "ward", "en", "How long should the patient rest?", "Two weeks at home, then light work again.")
GERMAN = "Der Patient soll zwei Wochen zu Hause bleiben und viel trinken."


def cause(truncated: int = 0, **fields: object) -> str:
    return cause_of(replace(PLAIN, **fields), Score("ifd", 1.2, "t", truncated=truncated))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    "text",
    [
        *("Rest.<|im_end|>", "<s>Rest.</s>", "[INST] Rest. [/INST]", "<<SYS>>be kind<</SYS>>", "Rest.<eos>"),
        *("<start_of_turn>model", "[CLS] Rest. [SEP]", "<｜Assistant｜>Rest."),
    ],
)
def test_control_tokens_of_any_family_are_quoted_tokens(text: str) -> None:
    assert cause(response=text) == cause(instruction=text) == cause(system=text) == "quoted_tokens"


@pytest.mark.parametrize(
    "text",
    [
        *("### Response:\nRest.", "  ## Instruction\nRest.", "Human: how long?\nTwo weeks.", "Dear {{name}}, rest."),
        *("Rest, ${patient}.", "Answer the {question}", "Dear [insert name], rest.", "user : rest"),
    ],
)
def test_roles_and_place_holders_are_a_template(text: str) -> None:
    assert cause(response=text) == cause(history=(Turn("How long?", text),)) == "template"


@pytest.mark.parametrize(
    "text",
    [
        *("BP < 140 | HR > 90 | rest", "Take <5 mg> [1], see [2] and [PMID 123].", "a <- b; c -> d"),
        *("# Findings\nNormal.", "Ask the user: no.", "System: cardiovascular, normal.", "The set {a, b}."),
    ],
)
def test_what_a_clinical_text_holds_anyway_is_neither(text: str) -> None:
    assert cause(response=f"{text} The patient should stay at home for two weeks.") == "mismatch"


def test_a_cut_text_and_two_languages() -> None:
    assert cause(truncated=3) == "truncation"
    assert cause(response=GERMAN) == "language"
    assert cause(instruction="Wie lange soll der Patient zu Hause bleiben?", response=GERMAN) == "mismatch"
    assert cause(response="5 mg.") == "mismatch", "a language that nobody can tell is not another one"


def test_the_first_that_is_found_is_told_and_each_is_explained() -> None:
    assert cause(truncated=3, response=f"### Response:\n{GERMAN}") == "template"
    assert cause(truncated=3, response=GERMAN) == "truncation"
    assert list(CAUSES) == ["quoted_tokens", "template", "truncation", "language", "mismatch"]

import pytest
import torch

from ccit.evaluation.choices import choice_scores
from ccit.models.bases import BaseModels
from ccit.models.causal import CausalModel

PROMPTS = ["Why?", "What does the ward give for a cold in the morning?", "Which of these?"]
CHOICES = [["a", "bc", "a long answer"], ["rest", "water"], ["x"]]


def tokens(model: CausalModel, text: str) -> list[int]:
    return list(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def prompt(model: CausalModel, text: str) -> list[int]:
    return model.chat.prompt([{"role": "user", "content": text}])


def plain_score(model: CausalModel, question: list[int], choice: list[int]) -> float:
    """One sequence at a time, no cache, no padding."""
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([question + choice])).logits[0].log_softmax(-1)
    return sum(float(logits[len(question) + i - 1, token]) for i, token in enumerate(choice))


def test_shared_prompts_and_padding_change_no_score(bases: BaseModels) -> None:
    model = bases.deployed
    prompts = [prompt(model, text) for text in PROMPTS]
    choices = [[tokens(model, c) for c in own] for own in CHOICES]
    scores, computed = choice_scores(model, prompts, choices)
    for question, own, found in zip(prompts, choices, scores, strict=True):
        assert found == pytest.approx([plain_score(model, question, c) for c in own], abs=1e-3)
    assert computed == 3 * max(map(len, prompts)) + 6 * (len("a long answer") - 1)


def test_choices_of_one_token_need_no_second_pass(bases: BaseModels) -> None:
    model = bases.deployed
    question = prompt(model, "Yes or no?")
    scores, computed = choice_scores(model, [question], [[tokens(model, "y"), tokens(model, "n")]])
    assert scores[0] == pytest.approx([plain_score(model, question, tokens(model, c)) for c in "yn"], abs=1e-3)
    assert computed == len(question)

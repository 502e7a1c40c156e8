import copy
from dataclasses import replace
from typing import Any

import torch
from transformers import GenerationConfig

from ccit.evaluation.generation import greedy_answers
from ccit.models.bases import BaseModels
from ccit.models.causal import CausalModel

PROMPTS = ["Why?", "What does the ward give for a cold?", "a", "Which of these two is it, then?"]


def prompts(model: CausalModel) -> list[list[int]]:
    return [model.chat.prompt([{"role": "user", "content": text}]) for text in PROMPTS]


def reference(model: CausalModel, prompt: list[int], limit: int) -> str:
    """transformers' own greedy search, one prompt at a time."""
    ids = torch.tensor([prompt])
    written = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=limit, pad_token_id=0
    )
    return str(model.tokenizer.decode(written[0, len(prompt) :], skip_special_tokens=True)).strip()


def first_ids(model: CausalModel, prompt: list[int], n: int) -> list[int]:
    """The first tokens that greedy search writes."""
    ids = list(prompt)
    for _ in range(n):
        with torch.no_grad():
            ids.append(int(model.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def with_end(model: CausalModel, token: int) -> CausalModel:
    """The same model, for which another token ends the answer."""

    ending = copy.copy(model.model)
    config: Any = GenerationConfig  # its constructor is not annotated
    ending.generation_config = config(eos_token_id=[token])
    return replace(model, model=ending)


def test_a_batch_answers_as_each_prompt_alone(bases: BaseModels) -> None:
    model = bases.deployed
    answers, computed = greedy_answers(model, prompts(model), 12)
    assert [a.text for a in answers] == [reference(model, p, 12) for p in prompts(model)]
    assert computed > 4 * 12


def test_an_answer_cut_by_the_limit_is_faulty(bases: BaseModels) -> None:
    model = bases.deployed
    answers, _ = greedy_answers(model, prompts(model)[:1], 1)
    assert answers[0].faulty


def test_rows_that_end_early_leave_the_others_unchanged(bases: BaseModels) -> None:
    model = bases.deployed
    ending = with_end(model, first_ids(model, prompts(model)[0], 3)[2])
    answers, computed = greedy_answers(ending, prompts(model), 12)
    alone = [greedy_answers(ending, [p], 12) for p in prompts(model)]
    assert answers == [a[0][0] for a in alone]
    assert not answers[0].faulty
    assert computed < sum(len(max(prompts(model), key=len)) + 12 for _ in prompts(model))


def test_an_answer_that_ends_at_once_is_empty_and_faulty(bases: BaseModels) -> None:
    model = bases.deployed
    first = first_ids(model, prompts(model)[0], 1)[0]
    answers, _ = greedy_answers(with_end(model, first), prompts(model)[:1], 12)
    assert answers[0].text == ""
    assert answers[0].faulty

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import ccit.evaluation.generation
import ccit.models.causal
import ccit.models.gradients
from ccit.evaluation.generation import Generated, greedy_answers
from ccit.models.causal import CausalModel, frozen, load_causal, trainable
from ccit.models.encoding import Encoded, encode
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.models.likelihood import response_losses
from ccit.models.packing import pack_rows
from ccit.ports.training import Example, MethodContext, TrainingStart
from ccit.records import Spend
from ccit.testing import random_model
from ccit.training.methods.generative_replay import GenerativeReplay
from tests.nouns import sample

ROW = Encoded((1, 2, 3), 1)
CONTEXT = MethodContext("proxy", 0)
WRITTEN = 40  # tokens that the stubbed incumbent computes


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"), hidden=16)), device="cpu", threads=1)


def method_of(**settings: float) -> GenerativeReplay:
    return GenerativeReplay(GenerativeReplay.Settings.model_validate(settings), CONTEXT)


@pytest.fixture
def incumbent(monkeypatch: pytest.MonkeyPatch) -> list[Encoded]:
    """Answers [4] with its end 9 to the first instruction, [5, 6] cut to the second, nothing to the third."""
    seen: list[Encoded] = []
    answers = [Generated("4", faulty=False), Generated("56", faulty=True), Generated("", faulty=True)]

    def gradients(_: object, rows: list[Encoded], weights: dict[str, object]) -> dict[str, torch.Tensor]:
        seen.extend(rows)
        return {name: torch.tensor([6.0, -3.0]) for name in weights}

    chat = SimpleNamespace(answer=lambda text: [*map(int, text)], turn=lambda text: [*map(int, text), 9])
    monkeypatch.setattr(ccit.models.causal, "frozen", lambda _: SimpleNamespace(chat=chat))
    monkeypatch.setattr(
        ccit.evaluation.generation, "greedy_answers", lambda _, prompts, __: (answers[: len(prompts)], WRITTEN)
    )
    monkeypatch.setattr(ccit.models.gradients, "gradients_of", gradients)
    return seen


def test_a_step_is_added_what_the_formula_says(incumbent: list[Encoded]) -> None:
    """Two answers of two tokens each have the summed gradient (6, -3): half of a quarter of it is added."""
    method = method_of(strength=0.5)
    parts = ["training", "replay", "replay", "replay"]
    kept = method.examples([Example(sample(n), part, ROW) for n, part in enumerate(parts)])
    assert [example.part for example in kept] == ["training"]
    weight = torch.zeros(2)
    method.prepare(TrainingStart(SimpleNamespace(parameters=10), {"a": weight}, kept, {}))
    weight.grad = torch.tensor([1.0, 1.0])
    method.after_backward()
    assert weight.grad.tolist() == [1.0 + 0.5 / 4 * 6.0, 1.0 - 0.5 / 4 * 3.0]
    assert sorted(row.ids for row in incumbent) == [(1, 4, 9), (1, 5, 6)]
    assert method.spent() == Spend.of_reading(WRITTEN, 10) + Spend.of_training(2 + 2, 10)


@pytest.mark.parametrize(("batch_tokens", "groups"), [(4096, [[0, 1, 2]]), (60, [[1], [0, 2]]), (16, [[1], [0], [2]])])
def test_fewer_answers_are_written_at_once_where_micro_batches_are_smaller(
    monkeypatch: pytest.MonkeyPatch, batch_tokens: int, groups: list[list[int]]
) -> None:
    """So that halving them lowers this memory too; the answers keep their instructions and their order."""
    asked: list[list[int]] = []

    def write(_: object, prompts: list[tuple[int, ...]], __: int) -> tuple[list[Generated], int]:
        asked.append(sorted(prompt[0] for prompt in prompts))
        return [Generated(str(prompt[0]), faulty=True) for prompt in prompts], WRITTEN

    chat = SimpleNamespace(answer=lambda text: [int(text)])
    monkeypatch.setattr(ccit.models.causal, "frozen", lambda _: SimpleNamespace(chat=chat))
    monkeypatch.setattr(ccit.evaluation.generation, "greedy_answers", write)
    seen: list[Encoded] = []

    def gradients(_: object, rows: list[Encoded], weights: dict[str, object]) -> dict[str, torch.Tensor]:
        seen.extend(rows)
        return {name: torch.zeros(1) for name in weights}

    monkeypatch.setattr(ccit.models.gradients, "gradients_of", gradients)
    monkeypatch.setattr(torch, "randperm", torch.arange)
    method = GenerativeReplay(GenerativeReplay.Settings(max_new_tokens=10), MethodContext("proxy", 0, batch_tokens))
    rows = [Encoded((number,) * length + (7,), length) for number, length in enumerate((19, 40, 20))]
    examples = [Example(sample(9), "training", ROW), *(Example(sample(n), "replay", row) for n, row in enumerate(rows))]
    weight = torch.zeros(1)
    method.prepare(TrainingStart(SimpleNamespace(parameters=10), {"a": weight}, method.examples(examples), {}))
    assert sorted(asked) == sorted(groups)
    weight.grad = torch.zeros(1)
    method.after_backward()
    assert [row.ids for row in seen] == [(n,) * length + (n,) for n, length in enumerate((19, 40, 20))]


def test_a_step_rehearses_as_many_answers_as_are_asked_for(incumbent: list[Encoded]) -> None:
    method = method_of(batch=1)
    kept = method.examples([Example(sample(n), part, ROW) for n, part in enumerate(("general", "replay", "replay"))])
    weight = torch.zeros(2)
    method.prepare(TrainingStart(SimpleNamespace(parameters=10), {"a": weight}, kept, {}))
    for _ in range(20):
        weight.grad = torch.zeros(2)
        method.after_backward()
    assert len(incumbent) == 20
    assert len({row.ids for row in incumbent}) == 2


def test_without_such_a_part_nothing_is_added_and_without_others_it_is_learned(incumbent: list[Encoded]) -> None:
    for part in ("training", "replay"):
        method = method_of()
        only = [Example(sample(1), part, ROW)]
        assert method.examples(only) == only
        weight = torch.zeros(1)
        method.prepare(TrainingStart(SimpleNamespace(parameters=10), {"a": weight}, only, {}))
        weight.grad = torch.tensor([-1.0])
        method.after_backward()
        assert weight.grad.tolist() == [-1.0]
        assert method.spent() == Spend()
    assert incumbent == []


def started(base: CausalModel, method: GenerativeReplay, *, packed: bool = False) -> CausalModel:
    """A view whose adapter says something else than the base, and the method prepared for it."""
    view = trainable(base, 4, 8, 0.0, "all-linear", seed=0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3)
    if packed:
        pack_rows(view)
        recompute_blocks(view)
    rows = [encode(base.chat, sample(number), 64) for number in range(4)]
    examples = [Example(sample(n), "replay" if n else "training", row) for n, row in enumerate(rows)]
    weights = {name: weight for name, weight in view.model.named_parameters() if weight.requires_grad}
    method.prepare(TrainingStart(view, weights, method.examples(examples), {}))
    return view


@pytest.mark.parametrize("packed", [False, True])
def test_the_answers_are_the_incumbents_most_probable_tokens(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    seen: list[Encoded] = []

    def record(_: object, rows: list[Encoded], weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        seen.extend(rows)
        return {name: torch.zeros_like(weight) for name, weight in weights.items()}

    monkeypatch.setattr(ccit.models.gradients, "gradients_of", record)
    method = method_of(max_new_tokens=6, batch=9)
    view = started(base, method, packed=packed)
    response_losses(view, [ROW]).sum().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
    method.after_backward()
    prompts = [encode(base.chat, sample(n), 64) for n in (1, 2, 3)]
    found, _ = greedy_answers(frozen(view), [row.ids[: row.prompt_length] for row in prompts], 6)
    assert any(answer.text for answer in found)
    told = {view.tokenizer.decode(row.ids[row.prompt_length :], skip_special_tokens=True) for row in seen}
    assert told == {answer.text for answer in found if answer.text}


@pytest.mark.trains
def test_what_the_incumbent_said_is_kept_where_new_things_are_learned(base: CausalModel) -> None:
    """Loss on the incumbent's own answers after ten steps on something else, with the method and without."""

    def forgotten(strength: float) -> float:
        method = method_of(max_new_tokens=8, strength=strength)
        view = started(base, method)
        prompts = [row.ids[: row.prompt_length] for row in (encode(base.chat, sample(n), 64) for n in (1, 2, 3))]
        found, _ = greedy_answers(frozen(view), prompts, 8)
        said = [
            Encoded((*prompt, *base.chat.answer(answer.text)), len(prompt))
            for prompt, answer in zip(prompts, found, strict=True)
            if answer.text
        ]
        trained = [weight for weight in view.model.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=0.02)
        for _ in range(10):
            response_losses(view, [encode(base.chat, sample(0), 64)]).mean().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
            method.after_backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            return float(response_losses(view, said).mean())

    with_it, without = forgotten(1.0), forgotten(0.0)
    assert with_it < 0.7 * without

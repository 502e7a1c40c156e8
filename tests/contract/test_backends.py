"""What every registered Backend must do."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
import torch

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, adapter_files, load_causal, trainable
from ccit.plugins import Plugin
from ccit.ports.serving import Backend, BackendContext, Delta, Sampling
from ccit.testing import random_model
from tests.contract.registered import each, made

PROMPT = [5, 6, 7]
GREEDY = Sampling(12, temperature=0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", threads=1)


@pytest.fixture(scope="module")
def adapter(base: CausalModel) -> dict[str, bytes]:
    view = trainable(base, 4, 8, 0.0, ["q_proj", "v_proj"], seed=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=generator)
    return adapter_files(view)


def backend_of(entry: Plugin, base: CausalModel) -> Backend:
    found: Backend = made(entry, BackendContext(lambda: base))
    return found


def answer(backend: Backend, version: int, sampling: Sampling = GREEDY) -> list[Delta]:
    async def whole() -> list[Delta]:
        return [delta async for delta in backend.stream(version, PROMPT, sampling)]

    return asyncio.run(whole())


@each("backend")
def test_an_answer_ends_with_a_reason_and_counts_its_tokens(entry: Plugin, base: CausalModel) -> None:
    deltas = answer(backend_of(entry, base), 0)
    assert [delta.tokens for delta in deltas] == list(range(1, len(deltas) + 1))
    assert [delta.finish is None for delta in deltas] == [True] * (len(deltas) - 1) + [False]
    assert len(deltas) <= GREEDY.max_tokens


@each("backend")
def test_versions_do_not_mix_and_one_that_goes_leaves_the_others(
    entry: Plugin, base: CausalModel, adapter: dict[str, bytes]
) -> None:
    backend = backend_of(entry, base)
    alone = answer(backend, 0)
    backend.load(1, adapter)
    changed = answer(backend, 1)
    assert changed != alone

    async def unloaded_halfway() -> list[Delta]:
        both = backend.stream(1, PROMPT, GREEDY)
        begun = [await anext(both)]
        backend.unload(1)
        return [*begun, *[delta async for delta in both]]

    assert asyncio.run(unloaded_halfway()) == changed
    assert answer(backend, 0) == alone


@each("backend")
def test_what_cannot_be_loaded_is_refused_and_changes_nothing(entry: Plugin, base: CausalModel) -> None:
    backend = backend_of(entry, base)
    before = answer(backend, 0)
    with pytest.raises(ModelUnusable):
        backend.load(1, {"adapter_config.json": b"{}"})
    assert answer(backend, 0) == before


@each("backend")
def test_a_seed_gives_its_answer_again(entry: Plugin, base: CausalModel) -> None:
    backend = backend_of(entry, base)
    seeded = Sampling(12, temperature=1.0, seed=3)
    assert answer(backend, 0, seeded) == answer(backend, 0, seeded)


@each("backend")
def test_an_answer_that_is_given_is_weighed_or_refused_and_none_is_drawn(entry: Plugin, base: CausalModel) -> None:
    given = [9, 8, 7, 6]
    weighing = Sampling(len(given), temperature=0, logprobs=0, forced=tuple(given))
    try:
        deltas = answer(backend_of(entry, base), 0, weighing)
    except ModelUnusable:
        assert entry.kind != "embedded"  # /v1/score is its promise
        return
    with torch.inference_mode():
        logits = base.model(torch.tensor([[*PROMPT, *given]])).logits[0, len(PROMPT) - 1 : -1]
    expected = torch.log_softmax(logits.float(), -1)[range(len(given)), given].tolist()
    assert [delta.drawn.chosen.value for delta in deltas if delta.drawn] == pytest.approx(expected, abs=1e-3)
    assert [delta.finish for delta in deltas] == [None, None, None, "length"]


@each("backend")
def test_an_answer_that_is_closed_is_over_and_others_go_on(entry: Plugin, base: CausalModel) -> None:
    backend = backend_of(entry, base)
    before = answer(backend, 0)

    async def closed() -> list[Delta]:
        async with aclosing(backend.stream(0, PROMPT, Sampling(200, temperature=0))) as deltas:
            return [await anext(deltas)]

    assert asyncio.run(closed()) == before[:1]
    assert answer(backend, 0) == before


@each("backend")
def test_a_backend_says_what_its_model_takes(entry: Plugin, base: CausalModel) -> None:
    backend = backend_of(entry, base)
    assert backend.context_length > len(PROMPT)
    assert len(backend.tokenizer("a dose")["input_ids"]) > 0
    assert max(backend.tokenizer("a dose")["input_ids"]) < backend.vocabulary

"""The choice of a micro-batch's size. A GPU's memory is a fake here: a meter that counts tensors of the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from ccit.config import Models, Training
from ccit.errors import ConfigError, MemoryExhausted
from ccit.models import batch_choice
from ccit.models.bases import BaseModels, Role
from ccit.models.batch_choice import CPU_TOKENS, BatchChoice, Meter, estimate, measured
from ccit.models.causal import CausalModel, trainable
from ccit.models.step_memory import MEMORY_SHARE
from ccit.testing import random_model

MIB = 2**20
TIGHT = 235 * MIB
ROLES: tuple[Role, ...] = ("deployed", "proxy")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> BaseModels:
    root = tmp_path_factory.mktemp("models")
    deployed, proxy = random_model(root / "deployed", hidden=64, layers=4), random_model(root / "proxy", hidden=16)
    return BaseModels(Models(deployed=str(deployed), proxy=str(proxy), device="cpu", threads=1))


@dataclass
class KeptMeter:
    """Counts what the graphs of a step keep, and a fixed part beside it."""

    memory: int
    fixed: int = 100 * MIB

    def available(self) -> int:
        return self.memory

    def peak(self, step: Callable[[], None]) -> int:
        kept: dict[int, tuple[int, torch.Tensor]] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            step()
        return self.fixed + sum(size for size, _ in kept.values())


@dataclass
class WholeMeter(KeptMeter):
    """Counts beside it what is made of gradients and of moments: neither at the same time as what a graph keeps."""

    weights: list[torch.nn.Parameter] = field(default_factory=list)

    def peak(self, step: Callable[[], None]) -> int:
        stepped = 0
        fresh = sum(weight.nbytes for weight in self.weights if weight.grad is None)

        def temporaries(*_: object, **__: object) -> None:
            nonlocal stepped
            stepped = 3 * sum(weight.nbytes for weight in self.weights)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(torch.optim.AdamW, "step", temporaries)
            return max(super().peak(step), self.fixed + fresh, self.fixed + stepped)


def settings(**update: object) -> Training:
    return Training.model_validate({"batch_tokens": "auto", "rank": 4, "alpha": 8, "max_tokens": 512, **update})


def test_a_configured_size_is_taken_as_it_is(bases: BaseModels) -> None:
    assert BatchChoice(Training(batch_tokens=777), bases, KeptMeter(0)).tokens == 777


@pytest.mark.parametrize("batcher", ["bucketed", "packed"])
def test_a_measured_step_is_what_its_shape_lets_expect(bases: BaseModels, batcher: str) -> None:
    """Not more than half as much again either way: the estimate says only how much may be tried."""
    training = settings(batcher={"kind": batcher})
    found = measured(bases.deployed, training, KeptMeter(0), likely=1024).per_token
    assert found == pytest.approx(estimate(bases.deployed, 4, 128 if batcher == "packed" else 0).per_token, rel=0.5)


def test_short_rows_are_measured_by_their_tokens_alone(bases: BaseModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter of a high rank has larger gradients and moments than a few tokens have inner values."""
    meter = WholeMeter(0)

    def watched(base: CausalModel, *shape: Any, **more: Any) -> CausalModel:
        view = trainable(base, *shape, **more)
        meter.weights = [weight for weight in view.model.parameters() if weight.requires_grad]
        return view

    monkeypatch.setattr(batch_choice, "trainable", watched)
    found = measured(bases.deployed, settings(rank=64), meter, likely=64).per_token
    assert found == pytest.approx(estimate(bases.deployed, 64, 0).per_token, rel=0.5)


@pytest.mark.trains
def test_the_larger_model_sets_the_size_and_it_grows_with_the_memory(bases: BaseModels) -> None:
    sizes = []
    for memory in (240 * MIB, 270 * MIB, 300 * MIB):
        chosen = BatchChoice(settings(), bases, KeptMeter(memory)).tokens
        step = measured(bases.deployed, settings(), KeptMeter(memory), likely=1024)
        assert step.fixed + step.per_token * chosen <= MEMORY_SHARE * memory
        sizes.append(chosen)
    assert sizes == sorted(set(sizes))


def test_no_step_has_more_than_its_samples(bases: BaseModels) -> None:
    assert BatchChoice(settings(batch_size=3), bases, KeptMeter(2**40)).tokens == 3 * 512


def test_a_choice_leaves_models_and_random_state_as_they_were(bases: BaseModels) -> None:
    before = [weight.clone() for weight in bases.deployed.model.parameters()]
    state = torch.get_rng_state()
    assert BatchChoice(settings(dropout=0.5), bases, KeptMeter(400 * MIB)).tokens > 64
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(bases.deployed.model.parameters(), before, strict=True))


def test_a_device_that_has_no_room_for_a_small_step_lacks_memory(bases: BaseModels) -> None:
    """So it is answered as everywhere: by smaller micro-batches."""

    class Full(KeptMeter):
        def peak(self, step: Callable[[], None]) -> int:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    full: Meter = Full(2**40)
    with pytest.raises(MemoryExhausted, match="the choice of the micro-batches' size needs more memory"):
        _ = BatchChoice(settings(), bases, full).tokens


def test_on_a_cpu_it_is_the_size_that_runs_well_as_far_as_the_memory_goes(
    bases: BaseModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen(free: int) -> int:
        monkeypatch.setattr("ccit.models.batch_choice.free_memory", lambda: free)
        return BatchChoice(settings(), bases).tokens

    assert chosen(2**40) == CPU_TOKENS
    assert 64 <= chosen(2**28) < CPU_TOKENS
    assert chosen(0) == 64


@pytest.mark.trains
def test_blocks_are_computed_again_where_the_longest_sample_would_not_fit_otherwise(bases: BaseModels) -> None:
    """Of the larger model alone: the proxy's fits as it is."""

    long = {"batch_size": 1, "max_tokens": 2048}

    def choice(memory: int, **update: object) -> BatchChoice:
        return BatchChoice(settings(**long, **update), bases, KeptMeter(memory))

    roomy, tight = (choice(memory, gradient_checkpointing="auto") for memory in (2**40, TIGHT))
    assert [roomy.recomputes(role) for role in ROLES] == [False, False]
    assert [tight.recomputes(role) for role in ROLES] == [True, False]
    assert choice(TIGHT).tokens < tight.tokens == roomy.tokens == 2048


@pytest.mark.parametrize("asked", [True, False])
def test_gradient_checkpointing_is_as_configured_without_a_look_at_the_memory(bases: BaseModels, asked: bool) -> None:
    choice = BatchChoice(settings(batch_tokens=512, gradient_checkpointing=asked), bases, KeptMeter(0))
    assert [choice.recomputes(role) for role in ROLES] == [asked, asked]
    assert choice.tokens == 512


@pytest.mark.parametrize("update", [{"max_tokens": 8192, "batch_size": 1}, {"batch_tokens": 8192}])
def test_on_a_cpu_too_the_question_is_whether_the_configured_size_fits(
    bases: BaseModels, monkeypatch: pytest.MonkeyPatch, update: dict[str, int]
) -> None:
    """Not whether the size that runs well does."""
    step = estimate(bases.deployed, 4, update.get("max_tokens", 512))
    free = round(2 * (step.fixed + 1.2 * CPU_TOKENS * step.per_token) / MEMORY_SHARE)  # half of it may be used
    monkeypatch.setattr("ccit.models.batch_choice.free_memory", lambda: free)
    choice = BatchChoice(settings(gradient_checkpointing="auto", **update), bases)
    assert choice.recomputes("deployed")
    assert choice.tokens == update.get("batch_tokens", CPU_TOKENS)


def test_a_model_without_blocks_is_refused_before_its_memory_is_estimated(bases: BaseModels) -> None:
    class Flat:
        def __init__(self, model: Any) -> None:
            self._model = model

        def __getattr__(self, name: str) -> Any:
            return getattr(self._model, name)

        def get_decoder(self) -> object:
            return object()

    flat = replace(bases.deployed, model=Flat(bases.deployed.model))
    with pytest.raises(ConfigError, match=r"training\.gradient_checkpointing is on, but .* has no list of blocks"):
        estimate(flat, 4, 512, recomputed=True)


def test_on_a_cpu_the_estimate_decides(bases: BaseModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccit.models.batch_choice.free_memory", lambda: 2**28)
    choice = BatchChoice(settings(gradient_checkpointing="auto", batch_size=1, max_tokens=2048), bases)
    assert choice.recomputes("deployed")
    assert not choice.recomputes("proxy")

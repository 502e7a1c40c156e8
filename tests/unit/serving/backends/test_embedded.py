from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import load, save

from ccit.errors import ModelUnusable
from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel
from ccit.models.decoding import Batch
from tests.unit.serving.held import slots_over


def test_a_version_with_huge_weights_is_tried_out_and_refused(
    base: CausalModel, adapters: list[dict[str, bytes]]
) -> None:
    tensors = load(adapters[1]["adapter_model.safetensors"])
    huge = {name: torch.full_like(tensor, 3e38) for name, tensor in tensors.items()}
    slots = slots_over(base)
    with pytest.raises(ModelUnusable, match="not finite"):
        slots.load(1, {**adapters[1], "adapter_model.safetensors": save(huge)})
    assert slots.held == (0,)


def test_a_version_that_finds_no_memory_is_refused_and_the_active_one_answers_on(
    base: CausalModel, adapters: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = slots_over(base)
    slots.load(1, adapters[1])
    slots.activate(1)

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nwith a hint")

    with monkeypatch.context() as patched:
        patched.setattr(Batch, "run", full)
        with pytest.raises(ModelUnusable, match=r"version 2 cannot answer a trial prompt: .*CUDA out of memory"):
            slots.load(2, adapters[2])
    assert slots.held == (0, 1)
    assert slots.active == 1
    slots.load(2, adapters[2])
    slots.activate(2)


@pytest.mark.parametrize("fault", [torch.OutOfMemoryError("full"), KeyError("layer"), TypeError("meta")])
def test_whatever_a_library_raises_over_a_version_it_is_refused_and_the_others_answer_on(
    base: CausalModel, adapters: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    slots = slots_over(base)

    def failing(*_: object) -> Iterator[None]:
        yield
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(AdapterBank, "install", failing)
        with pytest.raises(
            ModelUnusable, match=f"version 1 cannot be loaded: {type(fault).__name__}: '?{fault.args[0]}"
        ):
            slots.load(1, adapters[1])
    assert slots.held == (0,)
    slots.load(1, adapters[1])

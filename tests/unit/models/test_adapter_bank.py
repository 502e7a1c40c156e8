from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import count

import pytest
import torch

from ccit.errors import ModelUnusable
from ccit.models.adapter_bank import AdapterBank, _SlottedLayer
from ccit.models.causal import CausalModel, load_causal, with_adapter
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter

IDS = torch.tensor([[5, 6, 7, 8]])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32", threads=1)


def taken(bank: AdapterBank, files: dict[str, bytes]) -> int:
    slot = bank.take()
    list(bank.install(slot, bank.convert(files)))
    return slot


@torch.inference_mode()
def logits(bank: AdapterBank, slots: list[int | None]) -> torch.Tensor:
    bank.use(slots)
    found: torch.Tensor = bank.causal.model(input_ids=IDS.expand(len(slots), -1)).logits
    return found


@torch.inference_mode()
def alone(model: CausalModel) -> torch.Tensor:
    found: torch.Tensor = model.model(input_ids=IDS).logits[0]
    return found


def test_each_row_goes_through_its_own_adapter_whatever_its_rank_and_layers(base: CausalModel) -> None:
    bank = AdapterBank(base)
    files = [random_adapter(base, rank, ["q_proj", "up_proj"][: rank // 2], rank) for rank in (2, 4, 8, 3, 5, 6, 7)]
    slots = [taken(bank, one) for one in files]
    mixed = logits(bank, [*slots, None, slots[0]])
    for row, one in enumerate(files):
        expected = alone(with_adapter(base, one))
        assert torch.allclose(mixed[row], expected, atol=1e-4)
        assert torch.allclose(logits(bank, [slots[row]])[0], expected, atol=1e-4)
    assert torch.allclose(mixed[-2], alone(base), atol=1e-4)
    assert torch.allclose(mixed[-1], mixed[0], atol=1e-4)


def test_a_slot_keeps_nothing_of_its_last_owner(base: CausalModel) -> None:
    bank = AdapterBank(base)
    slot = taken(bank, random_adapter(base, 8, "all-linear", 1))
    bank.give_back(slot)
    files = random_adapter(base, 2, ["q_proj"], 2)
    assert taken(bank, files) == slot
    assert torch.allclose(logits(bank, [slot])[0], alone(with_adapter(base, files)), atol=1e-4)


def test_slots_that_find_no_room_leave_the_others_as_they_were(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, real, layers = AdapterBank(base), _SlottedLayer.resized, count()
    files, larger = random_adapter(base, 2, "all-linear", 1), random_adapter(base, 8, "all-linear", 2)
    slot = taken(bank, files)

    def one_alone(layer: _SlottedLayer, *sizes: int) -> tuple[torch.Tensor, torch.Tensor]:
        if next(layers):
            raise torch.OutOfMemoryError
        return real(layer, *sizes)

    with monkeypatch.context() as patched:
        patched.setattr(_SlottedLayer, "resized", one_alone)
        with pytest.raises(torch.OutOfMemoryError):
            taken(bank, larger)
    assert torch.allclose(logits(bank, [slot])[0], alone(with_adapter(base, files)), atol=1e-4)
    assert torch.allclose(logits(bank, [slot, taken(bank, larger)])[1], alone(with_adapter(base, larger)), atol=1e-4)


def test_what_does_not_fit_or_is_not_finite_is_refused(base: CausalModel) -> None:
    bank = AdapterBank(base)
    with pytest.raises(ModelUnusable, match="does not fit"):
        bank.convert(random_adapter(other_base(base), 2, ["q_proj"], 1))
    with pytest.raises(ModelUnusable, match="not finite"):
        bank.convert(random_adapter(base, 2, ["q_proj"], 1, scale=3e38))


def other_base(base: CausalModel) -> CausalModel:
    """The same with one block less."""
    model = deepcopy(base.model)
    model.model.layers = model.model.layers[:1]
    return replace(base, model=model)

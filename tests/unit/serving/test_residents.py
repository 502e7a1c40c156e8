from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel
from ccit.models.decoding import Batch
from ccit.serving.decode_loop import DecodeLoop, GenerationFailed
from ccit.serving.residents import Residents


def test_slots_of_versions_that_went_are_used_again(base: CausalModel, adapters: list[dict[str, bytes]]) -> None:
    bank = AdapterBank(base)
    residents = Residents(bank, DecodeLoop(Batch(bank, 1, positions=64)))
    assert residents.take_in(None).slot is None
    seen = set()
    for number in range(30):
        resident = residents.take_in(adapters[number % len(adapters)])
        seen.add(resident.slot)
        residents.drop(resident)
    assert len(seen) == 1


@pytest.mark.parametrize("fault", [torch.OutOfMemoryError("full"), GenerationFailed("the loop"), KeyError("layer")])
def test_whatever_ends_a_copying_its_slot_is_free_again(
    base: CausalModel, adapters: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def failing(*_: object) -> Iterator[None]:
        yield
        raise fault

    bank = AdapterBank(base)
    residents = Residents(bank, DecodeLoop(Batch(bank, 1, positions=64)))
    with monkeypatch.context() as patched:
        patched.setattr(bank, "install", failing)
        with pytest.raises(type(fault)):
            residents.take_in(adapters[1])
    assert residents.take_in(adapters[1]).slot == 0


def test_a_version_keeps_its_slot_until_its_last_answer_has_ended(
    base: CausalModel, adapters: list[dict[str, bytes]]
) -> None:
    bank = AdapterBank(base)
    residents = Residents(bank, DecodeLoop(Batch(bank, 1, positions=64)))
    leaving = residents.take_in(adapters[1])
    residents.begin(leaving)
    residents.drop(leaving)
    other = residents.take_in(adapters[2])
    assert other.slot != leaving.slot
    residents.end(leaving)
    assert residents.take_in(adapters[3]).slot == leaving.slot
    assert residents.take_in(adapters[1]).digest == leaving.digest != other.digest

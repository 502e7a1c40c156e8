from __future__ import annotations

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel
from ccit.models.decoding import Batch
from ccit.serving.decode_loop import DecodeLoop
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

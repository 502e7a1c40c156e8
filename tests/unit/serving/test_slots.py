from __future__ import annotations

from contextlib import ExitStack

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from safetensors.torch import load, save

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel
from ccit.serving.slots import Slot, Slots, VersionNotHeld

KEEP = 2


def test_a_version_answers_only_once_it_is_active(base: CausalModel, adapters: list[dict[str, bytes]]) -> None:
    slots = Slots(base, "ccit")
    slots.load(3, adapters[3])
    assert slots.active == 0
    with slots.lease() as slot:
        assert slot.number == 0
    with slots.lease(3) as slot:
        assert slot.number == 3
    slots.activate(3)
    with slots.lease() as slot:
        assert slot.number == 3


def test_a_version_that_is_not_held_is_refused(base: CausalModel) -> None:
    slots = Slots(base, "ccit")
    with pytest.raises(VersionNotHeld, match=r"ccit@5 is not held.*ccit@0"):
        slots.activate(5)
    with pytest.raises(VersionNotHeld), slots.lease(5):
        pass
    assert slots.active == 0


def test_a_version_with_huge_weights_is_tried_out_and_refused(
    base: CausalModel, adapters: list[dict[str, bytes]]
) -> None:
    tensors = load(adapters[1]["adapter_model.safetensors"])
    huge = {name: torch.full_like(tensor, 3e38) for name, tensor in tensors.items()}
    slots = Slots(base, "ccit")
    with pytest.raises(ModelUnusable, match="not finite"):
        slots.load(1, {**adapters[1], "adapter_model.safetensors": save(huge)})
    assert slots.held == (0,)


def test_a_version_that_finds_no_memory_is_refused_and_the_active_one_answers_on(
    base: CausalModel, adapters: list[dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = Slots(base, "ccit")
    slots.load(1, adapters[1])
    slots.activate(1)

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nwith a hint")

    with monkeypatch.context() as patched:
        patched.setattr(type(base.model), "forward", full)
        with pytest.raises(ModelUnusable, match="version 2 cannot answer a trial prompt: CUDA out of memory"):
            slots.load(2, adapters[2])
    assert slots.held == (0, 1)
    assert slots.active == 1
    slots.load(2, adapters[2])
    slots.activate(2)


def test_loading_a_held_version_again_builds_nothing(base: CausalModel, adapters: list[dict[str, bytes]]) -> None:
    slots, seconds = Slots(base, "ccit"), list[float]()
    slots.observers.append(seconds.append)
    slots.load(1, adapters[1])
    slots.load(1, adapters[1])
    assert len(seconds) == 1
    assert seconds[0] > 0


class SlotsMachine(RuleBasedStateMachine):
    """Any order of loads, activations and leases."""

    base: CausalModel

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(self.base, "ccit", keep=KEEP)
        self.leased: list[tuple[Slot, ExitStack]] = []

    @rule(number=st.integers(1, 6))
    def load(self, number: int) -> None:
        self.slots.load(number, None)
        assert number in self.slots.held

    @rule(data=st.data())
    def activate(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.slots.held))
        self.slots.activate(number)
        assert self.slots.active == number

    @rule(data=st.data())
    def lease(self, data: st.DataObject) -> None:
        number = data.draw(st.none() | st.sampled_from(self.slots.held))
        stack = ExitStack()
        slot = stack.enter_context(self.slots.lease(number))
        assert slot.number == (self.slots.active if number is None else number)
        self.leased.append((slot, stack))

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))[1].close()

    @invariant()
    def what_is_needed_is_held_and_little_else(self) -> None:
        held = set(self.slots.held)
        in_use = {slot.number for slot, _ in self.leased}
        assert {0, self.slots.active} | in_use <= held
        assert len(held - {0, self.slots.active} - in_use) <= KEEP

    def teardown(self) -> None:
        for _, stack in self.leased:
            stack.close()
        assert len(set(self.slots.held) - {0, self.slots.active}) <= KEEP


def test_slots_hold_in_any_order_of_events(base: CausalModel) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Machine", (SlotsMachine,), {"base": base})
    run_state_machine_as_test(machine, settings=settings(max_examples=30, stateful_step_count=20, deadline=None))

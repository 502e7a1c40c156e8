"""Who uses which version, in any order of events; no model is needed."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccit.serving.leases import Leases, VersionNotHeld

KEEP = 2


def test_a_version_answers_only_once_it_is_active() -> None:
    leases = Leases("ccit", KEEP, dropped=lambda _: None)
    leases.hold(3)
    assert leases.active == 0
    with leases.lease() as active, leases.lease(3) as pinned:
        assert (active, pinned) == (0, 3)
    leases.activate(3)
    with leases.lease() as active:
        assert active == 3


def test_a_version_that_is_not_held_is_refused() -> None:
    leases = Leases("ccit", KEEP, dropped=lambda _: None)
    with pytest.raises(VersionNotHeld, match=r"ccit@5 is not held.*ccit@0"):
        leases.activate(5)
    with pytest.raises(VersionNotHeld), leases.lease(5):
        pass
    with pytest.raises(VersionNotHeld):
        leases.touch(5)
    assert (leases.active, leases.in_use, leases.held) == (0, 0, (0,))


class LeasesMachine(RuleBasedStateMachine):
    """Any order of loads, activations and leases."""

    def __init__(self) -> None:
        super().__init__()
        self.leases = Leases("ccit", KEEP, self._dropped)
        self.leased: list[tuple[int, ExitStack]] = []
        self.swaps = 0

    def _dropped(self, number: int) -> None:
        assert number not in {0, self.leases.active} | {leased for leased, _ in self.leased}

    @rule(number=st.integers(1, 6))
    def hold(self, number: int) -> None:
        self.leases.hold(number)
        assert number in self.leases.held

    @rule(number=st.integers(0, 6))
    def touch(self, number: int) -> None:
        held = number in self.leases.held
        with nullcontext() if held else pytest.raises(VersionNotHeld):
            self.leases.touch(number)
        assert (number in self.leases.held) == held

    @rule(data=st.data())
    def activate(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.leases.held))
        self.swaps += number != self.leases.active
        self.leases.activate(number)
        assert (self.leases.active, self.leases.swaps) == (number, self.swaps)

    @rule(data=st.data())
    def lease(self, data: st.DataObject) -> None:
        number = data.draw(st.none() | st.sampled_from(self.leases.held))
        stack = ExitStack()
        leased = stack.enter_context(self.leases.lease(number))
        assert leased == (self.leases.active if number is None else number)
        self.leased.append((leased, stack))

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))[1].close()

    @invariant()
    def what_is_needed_is_held_and_little_else(self) -> None:
        held, in_use = set(self.leases.held), {number for number, _ in self.leased}
        assert {0, self.leases.active} | in_use <= held
        assert len(held - {0, self.leases.active} - in_use) <= KEEP
        assert self.leases.in_use == len(self.leased)

    def teardown(self) -> None:
        while self.leased:
            self.leased.pop()[1].close()
        assert len(set(self.leases.held) - {0, self.leases.active}) <= KEEP


TestLeases = LeasesMachine.TestCase
TestLeases.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)

"""Several methods as one: their order, and what is kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ccit.config import Training
from ccit.errors import ConfigError, TrainingFailed
from ccit.ports.training import Example, Method, MethodContext, MicroBatch, Tensors, TrainingStart
from ccit.records import Spend
from ccit.training.applied import AppliedMethods
from tests.nouns import sample

EXAMPLES = [Example(sample(number), "training", None) for number in range(4)]


class Noting(Method):
    """Does something small at every hook, and notes the calls in a shared list."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name
        self.calls = calls
        self.files: Mapping[str, bytes] = {}
        self.loaded: Tensors = {}

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        return examples[1:]

    def order(self, order: Sequence[int], examples: Sequence[Example], epoch: int, epochs: int) -> Sequence[int]:
        return order[1:]

    def spent(self) -> Spend:
        return Spend(3, 5.0)

    def prepare(self, start: TrainingStart) -> None:
        self.files = start.files

    def loss(self, loss: Any, batch: MicroBatch) -> Any:
        return f"{self.name}({loss})"

    def after_backward(self) -> None:
        self.calls.append(f"{self.name} after_backward")

    def after_step(self) -> None:
        self.calls.append(f"{self.name} after_step")

    def adapter(self, weights: Tensors) -> Tensors:
        return {name: f"{self.name}({weight})" for name, weight in weights.items()}

    def finish(self) -> Mapping[str, bytes]:
        return {"notes.txt": self.name.encode()}

    def state(self) -> Tensors:
        return {"a/b": self.name}

    def load_state(self, state: Tensors) -> None:
        self.loaded = state


def two(parent_files: Mapping[str, bytes] | None = None) -> tuple[Noting, Noting, AppliedMethods]:
    calls: list[str] = []
    first, second = Noting("first", calls), Noting("second", calls)
    return first, second, AppliedMethods({"first": first, "second": second}, parent_files or {})


def test_methods_are_applied_in_the_order_of_their_list() -> None:
    first, _, methods = two()
    assert methods.loss("loss", MicroBatch([], None, 1.0)) == "second(first(loss))"
    assert methods.adapter({"w": "weight"}) == {"w": "second(first(weight))"}
    methods.after_backward()
    methods.after_step()
    assert first.calls == [
        "first after_backward",
        "second after_backward",
        "first after_step",
        "second after_step",
    ]
    assert [one.sample.sample_id for one in methods.examples(EXAMPLES)] == ["s2", "s3"]
    assert methods.order([3, 0, 2, 1], EXAMPLES, 0, 1) == [2, 1]
    assert methods.spent() == Spend(6, 10.0)


def test_an_epoch_that_a_method_leaves_empty_is_said_by_its_name() -> None:
    _, _, methods = two()
    with pytest.raises(TrainingFailed, match="'second' leaves an epoch without an example"):
        methods.order([0, 1], EXAMPLES, 0, 1)


def test_each_method_gets_back_its_own_state_and_no_other() -> None:
    first, second, methods = two()
    state = methods.state()
    assert state == {"first/a/b": "first", "second/a/b": "second"}
    methods.load_state(state)
    assert (first.loaded, second.loaded) == ({"a/b": "first"}, {"a/b": "second"})


def test_each_method_gets_back_the_files_that_it_left_with_the_parent() -> None:
    _, _, earlier = two()
    files = earlier.files()
    assert files == {"methods/first/notes.txt": b"first", "methods/second/notes.txt": b"second"}
    first, second, methods = two({"adapter_config.json": b"{}", **files})
    methods.prepare(None, {}, [])
    assert (first.files, second.files) == ({"notes.txt": b"first"}, {"notes.txt": b"second"})


def test_a_method_that_leaves_nothing_to_train_on_is_named() -> None:
    _, _, methods = two()
    with pytest.raises(TrainingFailed, match="'first' leaves no example"):
        methods.examples(EXAMPLES[:1])


def test_a_method_without_hooks_changes_nothing() -> None:
    class Nothing(Method):
        pass

    methods = AppliedMethods({"nothing": Nothing()}, {})
    assert methods.examples(EXAMPLES) is EXAMPLES
    assert methods.loss(1.5, MicroBatch([], None, 1.0)) == 1.5
    assert methods.adapter({"a": 1}) == {"a": 1}
    assert methods.files() == methods.state() == {}
    methods.prepare(None, {}, [])
    methods.after_backward()
    methods.after_step()
    methods.load_state({})


def made(*kinds: str | dict[str, str]) -> AppliedMethods:
    tables = [{"kind": kind} if isinstance(kind, str) else kind for kind in kinds]
    return AppliedMethods.made(Training.model_validate({"methods": tables}).methods, MethodContext("proxy", 0), {})


@pytest.mark.parametrize("other", ["fast_and_slow", "average"])
def test_a_sum_cut_to_the_rank_is_refused_beside_slots_that_it_would_mix(other: str) -> None:
    made(other)
    for pair in (["o_lora", other], [other, "o_lora"]):
        with pytest.raises(ConfigError, match=f"'{other}' sums updates into new directions.*'o_lora' keeps apart"):
            made(*pair)


def test_an_average_with_the_base_scales_b_and_leaves_slots_as_they_are() -> None:
    assert made("o_lora", {"kind": "average", "other": "base"})

"""A pass of a fixed shape gives what a pass as it comes gives; `test_decoding.py` runs whole answers through both."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel, load_causal
from ccit.models.decoding import Batch
from ccit.models.fixed_shapes import Next, _Shape, computed
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32", threads=1)


def logits_after(batch: Batch, prompts: list[list[int]], slots: list[int | None]) -> torch.Tensor:
    rows = [batch.join(prompt, len(prompt) + 1, slot) for prompt, slot in zip(prompts, slots, strict=True)]
    found = dict[int, torch.Tensor]()
    for step in batch.passes():
        ready, logits = batch.run(step)
        found |= {id(row): one.clone() for row, one in zip(ready, logits, strict=True)}
    for row in rows:
        assert row is not None
        batch.leave(row)
    return torch.stack([found[id(row)] for row in rows])


def test_prompts_of_unlike_length_and_version_in_one_pass(causal: CausalModel) -> None:
    bank = AdapterBank(causal)
    slot = bank.take()
    list(bank.install(slot, bank.convert(random_adapter(causal, 4, "all-linear", seed=1))))
    prompts, slots = [[5, 6, 7], list(range(40)), [9] * 17], [None, slot, slot]
    fixed, as_they_come = (Batch(bank, 4, positions=512, fixed_shapes=fixed) for fixed in (True, False))
    expected = logits_after(as_they_come, prompts, slots)
    torch.testing.assert_close(logits_after(fixed, prompts, slots), expected, rtol=1e-4, atol=1e-4)
    assert fixed.computed == computed(3, 40)


def test_a_version_that_comes_later_is_read_where_it_lies(causal: CausalModel) -> None:
    """A recorded pass reads tensors where they were: a slot more, or a layer more, makes them anew."""
    bank = AdapterBank(causal)
    fixed, as_they_come = (Batch(bank, 4, positions=512, fixed_shapes=fixed) for fixed in (True, False))
    seen: list[int] = []
    for seed, targets in enumerate(("all-linear", ["q_proj"], ["q_proj", "up_proj"])):
        slot = bank.take()
        list(bank.install(slot, bank.convert(random_adapter(causal, 4 + seed, targets, seed=seed))))
        expected = logits_after(as_they_come, [[5, 6, 7]], [slot])
        torch.testing.assert_close(logits_after(fixed, [[5, 6, 7]], [slot]), expected, rtol=1e-4, atol=1e-4)
        seen.append(len(set(bank.layout)))
        assert fixed._fixed is not None
        assert len(fixed._fixed._shapes) == 1  # those of the former layout are forgotten
    assert len(seen) == 3


def test_what_nobody_asked_for_reaches_nobody(causal: CausalModel) -> None:
    """Rows and columns that fill a shape up are written to a block of their own: the padding block stays zero."""
    batch = Batch(causal, 4, positions=64, fixed_shapes=True)
    logits_after(batch, [[5, 6, 7], [8, 9], [1]], [None] * 3)
    assert all(not bool(store[0].any()) for store in (*batch._cache._keys, *batch._cache._values))


def test_a_pass_of_many_tokens_has_no_shape(causal: CausalModel) -> None:
    fixed = Batch(causal, 4, positions=64, fixed_shapes=True)._fixed
    assert fixed is not None
    assert fixed.takes(64, 1)
    assert fixed.takes(4, 200)
    assert not fixed.takes(5, 200)
    assert not fixed.takes(1, 2000)


def test_inputs_are_written_over_only_once_they_have_been_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU copies later; nobody waits for the pass of a prompt's part that wants no token."""
    shape, seen = _Shape((1, 1, 1), spare=2, device=torch.device("cpu")), list[tuple[str, list[int]]]()

    def inputs() -> list[int]:
        return shape._here[0].tolist()

    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: None)
    event = SimpleNamespace(
        synchronize=lambda: seen.append(("waited", inputs())), record=lambda _: seen.append(("copying", inputs()))
    )
    monkeypatch.setattr(shape, "_copied", event)
    for token in (5, 6):
        shape.fill([Next([token], start=0, blocks=[1], slot=None)])
    first, copying, waited, _ = seen
    assert [first[0], copying[0], waited] == ["waited", "copying", ("waited", copying[1])]

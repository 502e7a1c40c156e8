"""Rows that join and leave a batch answer as each would alone; what the memory holds is never mixed up."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel, load_causal, with_adapter
from ccit.models.decoding import Batch, Row, likeliest
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter

CLOSE = 1e-4  # logits this near may change places: sums over another shape are added in another order


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(
        str(random_model(tmp_path_factory.mktemp("model") / "base")), device="cpu", dtype="float32", threads=1
    )


class Versions:
    """A bank with adapters of several ranks and layers, and each version alone as a view."""

    def __init__(self, base: CausalModel, *, fixed_shapes: bool) -> None:
        files = [
            random_adapter(base, 4, ["q_proj", "v_proj"], seed=1),
            random_adapter(base, 2, ["down_proj", "o_proj"], seed=2),
            random_adapter(base, 8, "all-linear", seed=3),
        ]
        self.bank = AdapterBank(base)
        self.alone = [base, *(with_adapter(base, one) for one in files)]
        self.slots: list[int | None] = [None]
        for one in files:
            slot = self.bank.take()
            list(self.bank.install(slot, self.bank.convert(one)))
            self.slots.append(slot)
        self.batch = Batch(self.bank, 4, positions=512, part=24, fixed_shapes=fixed_shapes)


@pytest.fixture(scope="module", params=[False, True], ids=["as they come", "fixed shapes"])
def versions(causal: CausalModel, request: pytest.FixtureRequest) -> Versions:
    return Versions(causal, fixed_shapes=request.param)


def assert_greedy(model: CausalModel, prompt: list[int], written: list[int]) -> None:
    """Each token is the one that this model alone finds likeliest, or one that is as likely within rounding."""
    with torch.inference_mode():
        logits = model.model(input_ids=torch.tensor([[*prompt, *written]])).logits[0, len(prompt) - 1 : -1]
    chosen = logits.gather(1, torch.tensor(written)[:, None]).squeeze(1)
    assert bool((logits.amax(dim=1) - chosen <= CLOSE).all())


Asked = tuple[int, int, list[int], int]  # when it joins, version, prompt, tokens
asked = st.tuples(
    st.integers(0, 12), st.integers(0, 3), st.lists(st.integers(0, 250), min_size=1, max_size=40), st.integers(1, 12)
)


@settings(max_examples=25, deadline=None)
@given(requests=st.lists(asked, min_size=1, max_size=9), shared=st.integers(0, 1))
def test_greedy_answers_are_those_of_the_version_alone(versions: Versions, requests: list[Asked], shared: int) -> None:
    batch, waiting = versions.batch, sorted(enumerate(requests), key=lambda found: found[1][0])
    rows: dict[Row, int] = {}
    written: list[list[int]] = [[] for _ in requests]
    prompts = [[*([9] * 20 * shared), *prompt] for _, _, prompt, _ in requests]
    step = 0
    while waiting or rows:
        while waiting and waiting[0][1][0] <= step:
            number, (_, version, _, limit) = waiting[0]
            length = len(prompts[number]) + limit - 1
            row = batch.join(prompts[number], length, versions.slots[version], version)
            if row is None:
                break
            rows[row] = number
            waiting.pop(0)
        for one in batch.passes():
            ready, logits = batch.run(one)
            for row, token in zip(ready, likeliest(logits), strict=True):
                number = rows[row]
                assert token is not None
                written[number].append(token)
                row.append(token)
                if len(written[number]) == requests[number][3]:
                    batch.leave(row)
                    del rows[row]
        step += 1
    for (_, version, _, limit), prompt, answer in zip(requests, prompts, written, strict=True):
        assert len(answer) == limit
        assert_greedy(versions.alone[version], prompt, answer)


def logits_of(batch: Batch, row: Row) -> torch.Tensor:
    """After its prompt."""
    while True:
        for step in batch.passes():
            rows, logits = batch.run(step)
            if row in rows:
                return logits[rows.index(row)]


def joined(batch: Batch, prompt: list[int], length: int, **options: Any) -> Row:
    row = batch.join(prompt, length, **options)
    assert row is not None
    return row


def test_what_is_not_finite_stays_in_its_row_and_does_not_outlive_it(causal: CausalModel) -> None:
    batch = Batch(causal, 4, positions=32)
    row = joined(batch, [5, 6, 7], 4)
    sound = logits_of(batch, row)
    batch.leave(row)
    broken, other = joined(batch, [5] * 3, 32 - 16), joined(batch, [5, 6, 7], 4)
    for store in (*batch._cache._keys, *batch._cache._values):
        store[broken.held.blocks] = float("nan")
    broken.position = 3  # as after a prompt that gave it
    broken.pending[:] = [5]
    other_logits = logits_of(batch, other)
    assert torch.allclose(other_logits, sound, atol=1e-4)
    batch.leave(broken)
    batch.leave(other)
    again = joined(batch, [5, 6, 7], 32)
    assert torch.allclose(logits_of(batch, again), sound, atol=1e-4)


def test_huge_numbers_of_one_version_reach_no_row_of_another(causal: CausalModel) -> None:
    bank = AdapterBank(causal)
    slots = []
    for seed, scale in ((1, 1.0), (2, 1e30)):
        slots.append(bank.take())
        list(bank.install(slots[-1], bank.convert(random_adapter(causal, 4, ["q_proj"], seed, scale))))
    batch = Batch(bank, 4, positions=128)
    row = joined(batch, [5, 6, 7], 4, slot=slots[0])
    alone = logits_of(batch, row)
    batch.leave(row)
    rows = [joined(batch, [5, 6, 7], 4, slot=slot) for slot in (*slots, None)]
    (step,) = batch.passes()
    _, logits = batch.run(step)
    assert likeliest(logits)[1] is None
    assert torch.allclose(logits[0], alone, atol=1e-4)
    assert len(rows) == len(logits)


def test_a_prefix_that_was_computed_is_not_computed_again(causal: CausalModel) -> None:
    batch = Batch(causal, 4, positions=256)
    prompt = list(range(40))
    first = joined(batch, prompt, 50, root="v1")
    expected = logits_of(batch, first)
    before = batch.computed
    second = joined(batch, prompt, 50, root="v1")
    assert torch.allclose(logits_of(batch, second), expected, atol=1e-4)
    assert batch.computed - before == 40 - 32
    assert joined(batch, prompt, 50, root="v2").position == 0


def test_a_long_prompt_is_read_in_parts_beside_rows_that_decode(causal: CausalModel) -> None:
    batch = Batch(causal, 4, positions=512, part=16)
    short = joined(batch, [1, 2], 40)
    logits_of(batch, short)
    short.append(3)
    long = joined(batch, list(range(100)), 110)
    for _ in range(3):
        steps = batch.passes()
        assert [step.sizes for step in steps] == [(1,), (16,)]
        for step in steps:
            rows, _ = batch.run(step)
            assert rows == ([short] if step.rows == (short,) else [])
        short.append(3)
    assert (long.position, short.position) == (48, 5)


def test_a_row_that_finds_no_room_waits_until_one_leaves(causal: CausalModel) -> None:
    batch = Batch(causal, 4, positions=64)
    rows = [joined(batch, [1], 32) for _ in range(2)]
    assert batch.join([1], 1) is None
    batch.leave(rows[0])
    assert batch.join([1], 33) is None
    assert batch.join([1], 32) is not None


def test_memory_is_bounded_by_what_is_stated(causal: CausalModel) -> None:
    small, large = Batch(causal, 1, positions=10**6), Batch(causal, 2, positions=10**6)
    per_position = 2 * 2 * 2 * 8 * 4  # keys and values, layers, heads, their size, bytes
    assert small.positions * per_position <= 2**20 < (small.positions + 32) * per_position
    assert large.positions > 2 * small.positions


def test_a_row_that_cannot_join_leaves_no_block_taken(causal: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch(causal, 4, positions=64)
    before = batch._blocks.free

    def full(blocks: object) -> None:
        raise torch.OutOfMemoryError("the device is full")

    monkeypatch.setattr(batch._cache, "clear", full)
    with pytest.raises(torch.OutOfMemoryError):
        batch.join([1, 2, 3], 8, None, "base")
    assert batch._blocks.free == before
    assert batch.rows == []

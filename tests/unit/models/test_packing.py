"""Packed rows: the losses and gradients of the rows apart, up to rounding."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ccit.errors import ConfigError
from ccit.models import packing
from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.chat import FIXED_DATE, ChatFormat
from ccit.models.encoding import Encoded, encode
from ccit.models.likelihood import losses_at
from ccit.models.packing import Packing, batch_states, pack_rows, packed_states
from ccit.records import Sample, Turn
from ccit.testing import random_model

REFUSED = "does more than is done for packed rows"
CHATML = None  # the model's own
PLAIN = (
    "{% for m in messages %}{{ 'Q: ' if m['role'] == 'user' else 'A: ' }}{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}A: {% endif %}"
)
NEAR = 2e-5  # nats and gradients are near 1: a few hundred float32 roundings of 6e-8 each


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"), hidden=32)), device="cpu")


def view_of(base: CausalModel) -> CausalModel:
    return trainable(base, rank=4, alpha=8, dropout=0.0, target_modules="all-linear", seed=0)


@pytest.fixture(scope="module")
def views(base: CausalModel) -> tuple[CausalModel, CausalModel]:
    """Two of the same weights, whose B is not zero: one takes its rows apart, the other packed."""
    apart, packed = view_of(base), view_of(base)
    for view in (apart, packed):
        torch.manual_seed(1)
        for _, weight in sorted(view.model.named_parameters()):
            if weight.requires_grad:
                weight.data.normal_(0, 0.1)
    pack_rows(packed)
    return apart, packed


def losses_and_gradients(view: CausalModel, rows: list[Encoded]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    weights = {name: w for name, w in view.model.named_parameters() if w.requires_grad}
    losses = losses_at(view.head, *batch_states(view, rows))
    found = torch.autograd.grad(losses.mean(), list(weights.values()))
    return losses.detach(), dict(zip(weights, found, strict=True))


def assert_same(views: tuple[CausalModel, CausalModel], rows: list[Encoded]) -> None:
    (losses, gradients), (packed, theirs) = (losses_and_gradients(view, rows) for view in views)
    torch.testing.assert_close(packed, losses, rtol=NEAR, atol=NEAR)
    for name, gradient in gradients.items():
        torch.testing.assert_close(theirs[name], gradient, rtol=NEAR * 10, atol=NEAR)


@st.composite
def encoded(draw: st.DrawFn) -> Encoded:
    length = draw(st.integers(2, 40))
    first = draw(st.integers(5, 90))
    return Encoded(tuple((first + 7 * n) % 90 + 5 for n in range(length)), draw(st.integers(1, length - 1)))


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(encoded(), min_size=1, max_size=8))
def test_losses_and_gradients_are_those_of_the_rows_apart(
    views: tuple[CausalModel, CausalModel], rows: list[Encoded]
) -> None:
    assert_same(views, rows)


@settings(max_examples=15, deadline=None)
@given(
    template=st.sampled_from([CHATML, PLAIN]),
    turns=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    words=st.integers(1, 6),
)
def test_whatever_the_template_and_the_turns(
    views: tuple[CausalModel, CausalModel], template: str | None, turns: list[int], words: int
) -> None:
    tokenizer = copy.copy(views[0].tokenizer)
    if template is not None:
        tokenizer.chat_template = template
    chat = ChatFormat(tokenizer, FIXED_DATE)
    assert_same(views, [encode(chat, conversation(count, words), 120) for count in turns])


def conversation(turns: int, words: int) -> Sample:
    history = tuple(Turn(f"And {n}?", "Yes. " * (n + 1)) for n in range(turns))
    return Sample(f"s{turns}", "r", "ward", "en", f"What of {turns}?", "so " * words + "it is.", history)


def test_long_rows_take_the_fused_kernel_and_give_the_same(
    views: tuple[CausalModel, CausalModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_PLAIN_BELOW", {})
    assert_same(views, [Encoded(tuple(range(5, 45)), 3), Encoded(tuple(range(9, 40)), 20)])


def test_a_window_hides_what_is_further_back() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 12, 8) for heads in (4, 2, 2))
    wide = packing._block(q, k, v, 0.3, 12)
    narrow = packing._block(q, k, v, 0.3, 5)
    seen = torch.ones(12, 12, dtype=torch.bool).tril() & torch.ones(12, 12, dtype=torch.bool).triu(-4)
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=0.3, enable_gqa=True)
    torch.testing.assert_close(narrow, wanted, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(wide, narrow)


def test_rows_do_not_see_each_other(views: tuple[CausalModel, CausalModel]) -> None:
    first, second, other = (Encoded(tuple(range(start, start + 20)), 4) for start in (5, 30, 60))
    with torch.no_grad():
        beside, beside_another = (packed_states(views[1], [one, second])[0][16:] for one in (first, other))
    torch.testing.assert_close(beside, beside_another, rtol=0, atol=1e-6)


def test_the_base_keeps_its_own_attention(base: CausalModel) -> None:
    before = base.model.config._attn_implementation
    pack_rows(view_of(base))
    assert base.model.config._attn_implementation == before


@pytest.mark.parametrize("fault", [{"softcap": 30.0}, {"dropout": 0.1}])
def test_attention_that_does_more_is_refused(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch, fault: dict[str, float]
) -> None:
    real = ALL_ATTENTION_FUNCTIONS[packing._NAME]
    monkeypatch.setitem(
        ALL_ATTENTION_FUNCTIONS._global_mapping,
        packing._NAME,
        lambda *tensors, **kwargs: real(*tensors, **{**kwargs, **fault}),
    )
    with pytest.raises(ConfigError, match=rf"{REFUSED} \(.*{next(iter(fault))}"):
        pack_rows(view_of(base))


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (RuntimeError("head dimension at most 256"), ConfigError),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),
        (torch.AcceleratorError("an illegal memory access"), torch.AcceleratorError),
    ],
)
def test_a_kernel_that_refuses_is_told_from_memory_and_from_a_faulty_device(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch, error: Exception, seen: type[Exception]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, packing._NAME, refuse)
    with pytest.raises(seen, match=str(error)):
        pack_rows(view_of(base))


def test_attention_dropout_shows_in_training_alone_and_is_refused_before_it(base: CausalModel) -> None:
    state = torch.get_rng_state()
    for dropping in (base, view_of(base)):
        view = replace(dropping, model=copy.deepcopy(dropping.model))
        for module in view.model.modules():
            if hasattr(module, "attention_dropout"):
                module.attention_dropout = 0.1
        if dropping is base:
            pack_rows(view)  # for inference, where nothing is dropped
        else:
            with pytest.raises(ConfigError, match=REFUSED):
                pack_rows(view)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rounding_is_no_fault_and_rows_that_see_each_other_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    """In bfloat16 the rounding of eight random layers moves a loss by up to a nat."""
    deep = load_causal(str(random_model(tmp_path / "deep", hidden=256, layers=8, seed=2)), device="cpu", dtype=dtype)
    pack_rows(view_of(deep))
    real: Any = packing._attention

    def one_row(*tensors: Any, packing: Packing | None = None, **kwargs: Any) -> Any:
        if packing is not None:
            packing = replace(packing, blocks=((1, sum(packing.sizes)),))
        return real(*tensors, packing=packing, **kwargs)

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, packing._NAME, one_row)
    with pytest.raises(ConfigError, match=REFUSED):
        pack_rows(view_of(deep))

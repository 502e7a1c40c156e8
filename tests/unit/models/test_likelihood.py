from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import ccit.models.likelihood as module
from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.encoding import Encoded
from ccit.models.likelihood import Failure, Likelihood, response_losses
from ccit.testing import random_model


def row(prompt: Sequence[int], response: Sequence[int]) -> Encoded:
    return Encoded((*prompt, *response), len(prompt))


ROWS = [row([7] * n, [9, 11, 13, 5][:m]) for n, m in [(1, 1), (3, 4), (20, 2), (8, 3), (2, 1), (15, 4)]]
POISON = 200


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32")


class Wrapped(torch.nn.Module):
    """A causal model that is looked at before it runs, and whose logits can be changed after the head."""

    def __init__(self, inner: Any, look: Callable[[torch.Tensor], None], scale: float = 1.0) -> None:
        super().__init__()
        self.inner, self._look, self._scale = inner, look, scale
        self.config = inner.config

    def get_decoder(self) -> Callable[..., Any]:
        return self._decode

    def get_output_embeddings(self) -> Any:
        return self.inner.get_output_embeddings()

    def get_input_embeddings(self) -> Any:
        return self.inner.get_input_embeddings()

    def _decode(self, input_ids: torch.Tensor, **inputs: Any) -> Any:
        self._look(input_ids)
        return self.inner.get_decoder()(input_ids=input_ids, **inputs)

    def forward(self, input_ids: torch.Tensor, **inputs: Any) -> Any:
        self._look(input_ids)
        return SimpleNamespace(logits=self.inner(input_ids=input_ids, **inputs).logits * self._scale)


def plain(causal: CausalModel, one: Encoded) -> list[float]:
    """One row at a time, all of its logits."""
    with torch.no_grad():
        logits = causal.model(input_ids=torch.tensor([one.ids])).logits[0].log_softmax(-1)
    return [-float(logits[t - 1, one.ids[t]]) for t in range(one.prompt_length, len(one.ids))]


def means(likelihood: Likelihood, rows: Sequence[Encoded]) -> list[float | Failure]:
    return [one if isinstance(one, Failure) else float(one.mean()) for one in likelihood.losses(rows)]


def test_losses_do_not_depend_on_the_batch(causal: CausalModel) -> None:
    alone = [means(Likelihood(causal, 64), [p])[0] for p in ROWS]
    assert means(Likelihood(causal, 4096), ROWS) == pytest.approx(alone, rel=1e-5)


def test_chunks_of_logits_change_nothing(causal: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = means(Likelihood(causal, 4096), ROWS)
    for bound in ("_LOGIT_BYTES", "_CPU_LOGIT_BYTES", "_SOFTMAX_BYTES"):
        monkeypatch.setattr(module, bound, 1)
    assert means(Likelihood(causal, 4096), ROWS) == pytest.approx(whole, rel=1e-5)


def test_each_token_has_the_value_of_the_plain_way(causal: CausalModel) -> None:
    for found, one in zip(Likelihood(causal, 4096).losses(ROWS), ROWS, strict=True):
        assert not isinstance(found, Failure)
        assert found.tolist() == pytest.approx(plain(causal, one), abs=1e-4)


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_a_model_that_scales_its_logits_is_asked_whole(causal: CausalModel, scale: float) -> None:
    """`Wrapped` stands for Gemma 2 or Granite: head(hidden) alone would give the unscaled values."""
    scaled = replace(causal, model=Wrapped(causal.model, lambda _: None, scale))
    assert scaled.head.alone == (scale == 1.0)
    for found, one in zip(Likelihood(scaled, 4096).losses(ROWS), ROWS, strict=True):
        assert not isinstance(found, Failure)
        assert found.tolist() == pytest.approx(plain(scaled, one), abs=1e-4)


def test_no_gradient_depends_on_chunks_of_logits(causal: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    view = trainable(causal, 4, 8.0, 0.0, ["q_proj", "v_proj"], seed=0)

    def gradients() -> torch.Tensor:
        view.model.zero_grad(set_to_none=True)
        response_losses(view, ROWS).sum().backward()  # type: ignore[no-untyped-call]  # not annotated there
        return torch.cat([p.grad.flatten() for p in view.model.parameters() if p.grad is not None])

    whole = gradients()
    assert float(whole.norm()) > 0
    for bound in ("_LOGIT_BYTES", "_CPU_LOGIT_BYTES", "_SOFTMAX_BYTES"):
        monkeypatch.setattr(module, bound, 1)
    assert torch.allclose(gradients(), whole, rtol=1e-4, atol=1e-6)


def test_padding_needs_no_mask(causal: CausalModel) -> None:
    """On the right, a causal model sees padding only from padding: with a mask the values are the same."""
    width = max(len(one.ids) for one in ROWS)
    ids = torch.tensor([[*one.ids, *[0] * (width - len(one.ids))] for one in ROWS])
    mask = torch.tensor([[1] * len(one.ids) + [0] * (width - len(one.ids)) for one in ROWS])
    with torch.no_grad():
        logits = causal.model(input_ids=ids, attention_mask=mask).logits.log_softmax(-1)
        found = response_losses(causal, ROWS)
    masked = [
        -float(logits[r, t - 1, o.ids[t]]) for r, o in enumerate(ROWS) for t in range(o.prompt_length, len(o.ids))
    ]
    assert found.tolist() == pytest.approx(masked, abs=1e-4)


def test_probing_the_head_of_a_view_in_training_changes_neither_mode_nor_randomness(causal: CausalModel) -> None:
    view = trainable(causal, 4, 8.0, 0.5, ["q_proj"], seed=0)
    before = torch.random.get_rng_state()
    assert view.head.alone
    assert view.model.training
    assert torch.equal(torch.random.get_rng_state(), before)


def test_progress_counts_rows(causal: CausalModel) -> None:
    told: list[tuple[int, int]] = []
    Likelihood(causal, 64).losses(ROWS, lambda done, total: told.append((done, total)))
    assert told[-1] == (len(ROWS), len(ROWS))
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_a_batch_of_none_is_no_trouble(causal: CausalModel) -> None:
    assert Likelihood(causal, 64).losses([]) == []


def test_a_batch_that_does_not_fit_is_halved_for_good(causal: CausalModel) -> None:
    seen: list[int] = []

    def look(ids: torch.Tensor) -> None:
        seen.append(ids.numel())
        if ids.numel() > 150:
            raise torch.OutOfMemoryError("CUDA out of memory")

    rows = ROWS * 8
    small = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 512)
    assert means(small, rows) == pytest.approx(means(Likelihood(causal, 512), rows), rel=1e-5)
    assert max(seen) > 150  # one did not fit
    seen.clear()
    means(small, rows)
    assert max(seen) <= 150


def test_only_the_row_at_fault_fails(causal: CausalModel) -> None:
    def look(ids: torch.Tensor) -> None:
        if POISON in ids:
            raise RuntimeError("a kernel refuses this\nwith a long explanation")

    one = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 4096)
    rows = [*ROWS[:3], row([POISON, 3], [4]), *ROWS[3:]]
    losses = means(one, rows)
    assert losses[3] == Failure("a kernel refuses this")
    assert losses[:3] + losses[4:] == pytest.approx(means(Likelihood(causal, 4096), ROWS), rel=1e-5)


def test_a_token_outside_the_vocabulary_costs_its_row_alone(causal: CausalModel) -> None:
    losses = means(Likelihood(causal, 4096), [ROWS[0], row([10**6], [4]), ROWS[1]])
    assert [isinstance(loss, Failure) for loss in losses] == [False, True, False]


def test_a_fault_of_the_device_is_raised(causal: CausalModel) -> None:
    calls: list[int] = []

    def look(ids: torch.Tensor) -> None:
        calls.append(1)
        if len(calls) > 2:  # the first two look at the head
            raise torch.AcceleratorError("device lost")

    one = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 4096)
    with pytest.raises(torch.AcceleratorError):
        means(one, ROWS)


def test_a_model_without_finite_logits_is_unusable(causal: CausalModel) -> None:
    with pytest.raises(ModelUnusable, match="not finite"):
        Likelihood(replace(causal, model=Wrapped(causal.model, lambda _: None, float("inf"))), 64)


def test_packed_rows_have_the_losses_of_padded_ones(causal: CausalModel) -> None:
    packed, padded = (Likelihood(causal, 64, packed=packed) for packed in (True, False))
    assert means(packed, ROWS) == pytest.approx(means(padded, ROWS), rel=1e-5)
    assert packed.tokens == padded.tokens
    assert packed.tokens <= packed.padded_tokens <= padded.padded_tokens

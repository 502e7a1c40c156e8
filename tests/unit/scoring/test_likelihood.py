from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import ccit.scoring.likelihood as module
from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, load_causal
from ccit.scoring.likelihood import Failure, Likelihood, Passage
from ccit.testing import random_model

PASSAGES = [Passage([7] * n, [9, 11, 13, 5][:m]) for n, m in [(1, 1), (3, 4), (20, 2), (8, 3), (2, 1), (15, 4)]]
POISON = 200


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32")


class Wrapped:
    """A causal model whose decoder looks at its input first, and whose logits can be changed."""

    def __init__(self, inner: Any, look: Callable[[torch.Tensor], None], scale: float = 1.0) -> None:
        self._inner, self._look, self._scale = inner, look, scale

    def get_decoder(self) -> Callable[..., Any]:
        return self._decode

    def get_output_embeddings(self) -> Any:
        return self._inner.get_output_embeddings()

    def get_input_embeddings(self) -> Any:
        return self._inner.get_input_embeddings()

    def _decode(self, input_ids: torch.Tensor, use_cache: bool) -> Any:
        self._look(input_ids)
        return self._inner.get_decoder()(input_ids=input_ids, use_cache=use_cache)

    def __call__(self, input_ids: torch.Tensor, use_cache: bool) -> Any:
        return SimpleNamespace(logits=self._inner(input_ids=input_ids, use_cache=use_cache).logits * self._scale)


def test_losses_do_not_depend_on_the_batch(causal: CausalModel) -> None:
    alone = [Likelihood(causal, 64).mean_losses([p])[0] for p in PASSAGES]
    assert Likelihood(causal, 4096).mean_losses(PASSAGES) == pytest.approx(alone, rel=1e-5)


def test_chunks_of_logits_change_nothing(causal: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Likelihood(causal, 4096).mean_losses(PASSAGES)
    monkeypatch.setattr(module, "_LOGIT_BYTES", 1)
    assert Likelihood(causal, 4096).mean_losses(PASSAGES) == pytest.approx(whole, rel=1e-5)


def test_a_model_that_scales_its_logits_is_asked_whole(causal: CausalModel) -> None:
    scaled = Likelihood(replace(causal, model=Wrapped(causal.model, lambda _: None, 0.5)), 4096)
    plain = Likelihood(causal, 4096).mean_losses(PASSAGES)
    uniform = torch.log(torch.tensor(float(causal.model.config.vocab_size)))
    for half, full in zip(scaled.mean_losses(PASSAGES), plain, strict=True):
        assert not isinstance(half, Failure)
        assert not isinstance(full, Failure)
        assert half != pytest.approx(full, rel=1e-3)
        assert abs(half - uniform) < abs(full - uniform) + 1  # softer logits are nearer to uniform


def test_a_batch_that_does_not_fit_is_halved_for_good(causal: CausalModel) -> None:
    seen: list[int] = []

    def look(ids: torch.Tensor) -> None:
        seen.append(ids.numel())
        if ids.numel() > 64:
            raise torch.OutOfMemoryError("not enough")

    small = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 256)
    assert small.mean_losses(PASSAGES) == pytest.approx(Likelihood(causal, 256).mean_losses(PASSAGES), rel=1e-5)
    seen.clear()
    small.mean_losses(PASSAGES)
    assert max(seen) <= 64


def test_only_the_passage_at_fault_fails(causal: CausalModel) -> None:
    def look(ids: torch.Tensor) -> None:
        if POISON in ids:
            raise RuntimeError("a kernel refuses this\nwith a long explanation")

    one = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 4096)
    passages = [*PASSAGES[:3], Passage([POISON, 3], [4]), *PASSAGES[3:]]
    losses = one.mean_losses(passages)
    assert losses[3] == Failure("a kernel refuses this")
    assert losses[:3] + losses[4:] == pytest.approx(Likelihood(causal, 4096).mean_losses(PASSAGES), rel=1e-5)


def test_a_token_outside_the_vocabulary_costs_its_passage_alone(causal: CausalModel) -> None:
    losses = Likelihood(causal, 4096).mean_losses([PASSAGES[0], Passage([10**6], [4]), PASSAGES[1]])
    assert [isinstance(loss, Failure) for loss in losses] == [False, True, False]


def test_a_fault_of_the_device_is_raised(causal: CausalModel) -> None:
    calls: list[int] = []

    def look(ids: torch.Tensor) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise torch.AcceleratorError("device lost")

    one = Likelihood(replace(causal, model=Wrapped(causal.model, look)), 4096)
    with pytest.raises(torch.AcceleratorError):
        one.mean_losses(PASSAGES)


def test_a_model_without_finite_logits_is_unusable(causal: CausalModel) -> None:
    with pytest.raises(ModelUnusable, match="not finite"):
        Likelihood(replace(causal, model=Wrapped(causal.model, lambda _: None, float("inf"))), 64)

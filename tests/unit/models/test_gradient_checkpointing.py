from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ccit.errors import ConfigError
from ccit.models.causal import CausalModel, frozen, load_causal, trainable
from ccit.models.encoding import Encoded
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.models.likelihood import response_losses
from ccit.models.packing import pack_rows
from ccit.testing import random_model

ROWS = [Encoded(tuple(range(5, 5 + length)), 2) for length in (60, 58, 20)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"), layers=6)), device="cpu", threads=1)


def view_of(base: CausalModel, *, recomputed: bool, packed: bool = False, dropout: float = 0.0) -> CausalModel:
    view = trainable(base, 4, 8, dropout, "all-linear", seed=3)
    if packed:
        pack_rows(view)
    if recomputed:
        recompute_blocks(view)
    return view


def kept_bytes(view: CausalModel) -> int:
    own = {weight.untyped_storage().data_ptr() for weight in view.model.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        response_losses(view, ROWS).sum()
    return sum(size for size, _ in kept.values())


def gradients(view: CausalModel) -> list[torch.Tensor]:
    torch.manual_seed(0)
    response_losses(view, ROWS).mean().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
    return [weight.grad for weight in view.model.parameters() if weight.grad is not None]


@pytest.mark.parametrize(("packed", "dropout"), [(False, 0.0), (True, 0.0), (True, 0.5)])
def test_the_gradients_are_the_same_bits(base: CausalModel, packed: bool, dropout: float) -> None:
    """The same operations in the same shapes on the same machine: nothing is summed in another order."""
    with torch.random.fork_rng(devices=[]):
        kept = gradients(view_of(base, recomputed=False, packed=packed, dropout=dropout))
        again = gradients(view_of(base, recomputed=True, packed=packed, dropout=dropout))
    assert len(kept) > 6
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


def test_far_less_is_kept_for_the_backward_pass(base: CausalModel) -> None:
    plain, recomputed = (kept_bytes(view_of(base, recomputed=again)) for again in (False, True))
    assert recomputed < plain / 3


def test_the_base_and_frozen_copies_go_on_as_before(base: CausalModel) -> None:
    view = view_of(base, recomputed=True)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)
    still = frozen(view)
    before = response_losses(still, ROWS)
    with torch.no_grad():
        for weight in view.model.parameters():
            if weight.requires_grad:
                weight.zero_()
    assert torch.equal(response_losses(still, ROWS), before)
    assert "forward" not in vars(base.model.model.layers[0])


def test_without_gradients_no_random_state_is_read(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of a view decode: on a GPU as a captured graph, in which reading it is an error."""

    def refuse() -> torch.Tensor:
        raise RuntimeError("Cannot call CUDAGeneratorImpl::current_seed during CUDA graph capture")

    view = view_of(base, recomputed=True)
    with torch.no_grad():
        expected = response_losses(frozen(view_of(base, recomputed=False)), ROWS)
        monkeypatch.setattr("torch.get_rng_state", refuse)
        assert torch.equal(response_losses(frozen(view), ROWS), expected)
    with pytest.raises(RuntimeError, match="current_seed"):
        response_losses(view, ROWS)


def test_a_model_without_blocks_is_refused_with_the_key(base: CausalModel) -> None:
    class Flat:
        def get_decoder(self) -> object:
            return self

    with pytest.raises(ConfigError, match=r"training\.gradient_checkpointing is on, but .* has no list of blocks"):
        recompute_blocks(replace(base, model=Flat()))

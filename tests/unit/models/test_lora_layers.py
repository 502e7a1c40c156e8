"""The lean forward pass against PEFT's own."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Linear

from ccit.models.lora_layers import lean_layers


def model(dtype: torch.dtype, *, bias: bool, dropout: float = 0.0) -> torch.nn.Module:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(8, 12, bias=bias), torch.nn.Linear(12, 6, bias=bias)).to(dtype)
    config = LoraConfig(r=2, lora_alpha=6, lora_dropout=dropout, target_modules=["0", "1"], init_lora_weights=False)
    made = inject_adapter_in_model(config, plain)
    for name, weight in made.named_parameters():
        weight.requires_grad_("lora_" in name)
        weight.data = weight.data.float() if "lora_" in name else weight.data
    return made


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 3e-2)])
def test_outputs_and_gradients_are_those_of_peft(dtype: torch.dtype, near: float, bias: bool) -> None:
    theirs, ours = model(dtype, bias=bias), model(dtype, bias=bias)
    assert lean_layers(ours, "default") == 2
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(1)).to(dtype)
    found = []
    for one in (theirs, ours):
        y = one(x)
        weights = [w for w in one.parameters() if w.requires_grad]
        assert {w.dtype for w in weights} == {torch.float32}
        found.append((y, torch.autograd.grad((y.float() ** 2).mean(), weights)))
    assert found[1][0].dtype == dtype
    torch.testing.assert_close(found[1][0], found[0][0], rtol=near, atol=near)
    for mine, other in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(mine, other, rtol=near, atol=near)


def test_an_adapter_that_is_switched_off_changes_nothing() -> None:
    theirs, ours = model(torch.float32, bias=True), model(torch.float32, bias=True)
    lean_layers(ours, "default")
    for one in (theirs, ours):
        for layer in one.children():
            assert isinstance(layer, Linear)
            layer.enable_adapters(enabled=False)
    x = torch.ones(4, 8)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)


def test_a_copy_has_weights_of_its_own() -> None:
    ours = model(torch.float32, bias=True)
    lean_layers(ours, "default")
    x = torch.ones(4, 8)
    copied, before = copy.deepcopy(ours), ours(x).detach()
    for name, weight in ours.named_parameters():
        if "lora_" in name:
            weight.data.zero_()
    torch.testing.assert_close(copied(x), before)
    assert not torch.allclose(ours(x), before)


def test_layers_with_dropout_keep_pefts_own() -> None:
    assert lean_layers(model(torch.float32, bias=False, dropout=0.5), "default") == 0


def test_what_is_no_plain_linear_layer_keeps_its_own() -> None:
    other = inject_adapter_in_model(
        LoraConfig(r=2, target_modules=["0"]), torch.nn.Sequential(torch.nn.Embedding(5, 4))
    )
    assert lean_layers(other, "default") == 0

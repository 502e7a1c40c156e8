from __future__ import annotations

import pytest
import torch
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from ccit.models import norms
from ccit.models.norms import lean_norms


def norm(dtype: torch.dtype) -> torch.nn.Module:
    made = LlamaRMSNorm(6, eps=1e-5)
    made.weight.data = torch.linspace(0.5, 2, 6)
    return made.to(dtype).requires_grad_(False)


@pytest.mark.parametrize("part", [2**19, 48])  # all tokens at once, two at a time
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_outputs_and_gradients_are_those_of_the_model(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, near: float, part: int
) -> None:
    monkeypatch.setattr(norms, "_PART_BYTES", part)
    theirs, ours = norm(dtype), norm(dtype)
    assert lean_norms(torch.nn.ModuleList([ours])) == 1
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, 6, generator=generator).to(dtype).requires_grad_()
    upstream = torch.randn(3, 5, 6, generator=generator).to(dtype)
    wanted, found = theirs(x), ours(x)
    torch.testing.assert_close(found, wanted, rtol=near, atol=near)
    gradients = [torch.autograd.grad(y, x, upstream)[0] for y in (wanted, found)]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=near, atol=near)


def test_a_norm_with_another_formula_keeps_its_own() -> None:
    other = GemmaRMSNorm(6)  # 1 + w in the place of w
    setattr(other, "variance_epsilon", 1e-6)  # noqa: B010 - a name that torch types as a tensor or a module
    assert lean_norms(torch.nn.ModuleList([other, torch.nn.LayerNorm(6)])) == 0

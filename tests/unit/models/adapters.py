"""Adapters with random weights, for tests of what applies them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ccit.models.causal import CausalModel, adapter_files, trainable


def random_adapter(
    base: CausalModel, rank: int, target_modules: Sequence[str] | str, seed: int, scale: float = 1.0
) -> dict[str, bytes]:
    """An adapter that changes what the model says; `scale` multiplies its A and its B."""
    view = trainable(base, rank, 8, 0.0, target_modules, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=generator)
            if "lora_" in name:
                weight.mul_(scale)
    return adapter_files(view)

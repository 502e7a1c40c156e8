"""Attention over rows of unlike length that lie one behind the other, in one kernel of a GPU.

`torch.nn.attention.varlen` is FlashAttention 2 (Dao 2023, arXiv 2307.08691) as torch carries it, for half precision
types on GPUs from Ampere on. Its backward pass gives equal bits where `torch.use_deterministic_algorithms` asks for it;
cuDNN's, which newer versions of torch prefer, is then left out, as in torch's own `scaled_dot_product_attention`.

Shapes: L tokens of all rows, H heads (K of keys and values), D head size.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, cast

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.varlen import varlen_attn

_AMPERE = (8, 0)
_ASKS_FOR_SHARED_KEYS = "enable_gqa" in inspect.signature(varlen_attn).parameters  # torch 2.11 takes them unasked


def takes(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the kernel takes such numbers there.

    >>> takes(torch.device("cpu"), torch.bfloat16)
    False
    """
    return device.type == "cuda" and dtype in (torch.bfloat16, torch.float16) and _has_it(device)


@cache
def _has_it(device: torch.device) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= _AMPERE


def varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    edges: torch.Tensor,
    longest: int,
    scale: float,
    window: int | None,
) -> torch.Tensor:
    """Causal attention within each row: of `query` (L, H, D), `key` and `value` (L, K, D) to (L, H, D).

    Parameters
    ----------
    edges : torch.Tensor
        Where the rows begin and the last ends, (rows + 1,) int32.
    longest : int
        Tokens of the longest row, or more.
    window : int | None
        Tokens that a token sees at most, itself among them.
    """
    options: dict[str, Any] = {"scale": scale, "window_size": (-1 if window is None else window - 1, 0)}
    if _ASKS_FOR_SHARED_KEYS:
        options["enable_gqa"] = key.shape[1] != query.shape[1]
    if torch.are_deterministic_algorithms_enabled():
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION]):
            return cast(torch.Tensor, varlen_attn(query, key, value, edges, edges, longest, longest, **options))
    return cast(torch.Tensor, varlen_attn(query, key, value, edges, edges, longest, longest, **options))

"""Several samples in one row, none of which sees another: every linear layer is one product, almost without padding.

A micro-batch of rows padded to the longest pays for padding, or is cut into several of like length, each with all the
kernel launches of a pass. Packed, its rows lie one behind the other (Krell et al. 2021, arXiv 2107.02027): positions
begin anew with each, and attention is block-diagonal. No mask of the whole row is made: rows of like length form a
block, and attention runs block by block, so that nothing is computed of what may not be seen. On a GPU with a half
precision type one kernel takes all rows (`torch.nn.attention.varlen`: FlashAttention, Dao 2023, arXiv 2307.08691).

The attention is a function of transformers' registry; it is chosen for a view, never for the base. Without a packing it
is that library's own `sdpa`.

Shapes: L tokens of all rows, n rows of l tokens in a block, H heads (K of keys and values), D head size.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ccit.errors import ConfigError
from ccit.models.bucketing import blocks, packed_tokens, padded_tokens
from ccit.models.causal import CausalModel
from ccit.models.compiled import compiled_blocks
from ccit.models.encoding import Encoded
from ccit.models.faults import lacks_memory, sentence_of
from ccit.models.merged import merge_adapters
from ccit.models.norms import lean_norms
from ccit.models.rounding import alike, rounding_of
from ccit.models.varlen import takes, varlen

_NAME = "ccit_packed"
# On a CPU the backward pass of fused attention over short rows is slow: 16 rows of 40 tokens took 26.9 ms fused and
# 2.5 ms as plain products in bfloat16, 1000 tokens 43 ms and 93 (one core of an Intel Xeon with AMX, 9 heads of 64).
_PLAIN_BELOW = {torch.bfloat16: 640, torch.float32: 192}
_TEXT = "The patient was given 500 mg of amoxicillin twice a day, and the fever went down on the third day."
_TRIAL_LENGTHS = (7, 12, 7, 4)
_UNKNOWN = ("softcap", "s_aux", "position_bias")  # what some families' attention does besides: not done here


@dataclass(frozen=True, slots=True)
class Packing:
    """How the rows lie.

    Parameters
    ----------
    blocks : tuple[tuple[int, int], ...]
        Of `n` rows of `l` tokens, one after the other, in the order of the rows.
    edges : torch.Tensor
        Where each row begins, and where the last ends, (rows + 1,) int32 on the model's device.
    longest : int
        Tokens of the longest row, rounded up to a power of two: few different numbers.
    one_kernel : bool
        Whether all rows are one kernel's.
    """

    blocks: tuple[tuple[int, int], ...]
    edges: torch.Tensor
    longest: int
    one_kernel: bool

    @property
    def sizes(self) -> list[int]:
        """Tokens of each block."""
        return [count * length for count, length in self.blocks]


def pack_rows(view: CausalModel) -> None:
    """Let a view take packed rows from now on; `packed_states` needs it.

    Raises
    ------
    ConfigError
        The model's attention does more than what is done here, so that packed rows would give other numbers.
    """
    apart = partial(_trial, view, response_states)
    try:
        view.model.set_attn_implementation(_NAME)
        expected, found, rounding = apart(), _trial(view, packed_states), rounding_of(view.model, apart)
        if view.model.training:
            with torch.random.fork_rng(devices=[view.device] if view.device.type == "cuda" else []):
                _trial(view, packed_states, training=True)
    except torch.AcceleratorError:  # the device's own fault
        raise
    except (_Unpackable, RuntimeError, TypeError, ValueError) as error:
        if lacks_memory(error):
            raise
        raise ConfigError(_refusal(view, sentence_of(error))) from error
    if not alike(expected, found, rounding):
        raise ConfigError(_refusal(view, "its losses come out otherwise"))


def _trial(
    view: CausalModel, states: Callable[..., tuple[torch.Tensor, torch.Tensor]], *, training: bool = False
) -> torch.Tensor:
    """Nats of the tokens of a few rows; `training` is with whatever dropout the model has."""
    before = view.model.training
    view.model.train(training)
    try:
        with torch.inference_mode():
            states_ND, targets_N = states(view, _trial_rows(view))
            return F.cross_entropy(view.head.logits(states_ND), targets_N, reduction="none")
    finally:
        view.model.train(before)


def _trial_rows(view: CausalModel) -> list[Encoded]:
    """Words as a model expects them: after random tokens the next one is decided by rounding."""
    ids = view.tokenizer(_TEXT, add_special_tokens=False).input_ids * max(_TRIAL_LENGTHS)
    return [Encoded(tuple(ids[start : start + length]), 2) for start, length in enumerate(_TRIAL_LENGTHS)]


def packed_view(base: CausalModel, *, compiled: bool = False) -> CausalModel:
    """A view on a model for inference that takes packed rows; the model itself where its attention does not allow it.

    Its norms are lean ones (`ccit/models/norms.py`): it is made for passes over many tokens.

    Parameters
    ----------
    compiled : bool
        Merge its adapter into the weights, and compile its blocks, norms among them (`ccit/models/compiled.py`), which
        takes seconds once for a process.
    """
    parts = (*base.model.parameters(), *base.model.buffers())
    shared: dict[int, Any] = {id(tensor): tensor for tensor in parts}
    view = replace(base, model=copy.deepcopy(base.model, shared))
    if compiled:
        merge_adapters(view.model)
    else:
        lean_norms(view.model)
    try:
        pack_rows(view)
    except ConfigError:
        return base
    if compiled:
        packed = partial(_trial, view, packed_states)
        before, rounding = packed(), rounding_of(view.model, packed)
        with compiled_blocks(view.model):
            if not alike(before, packed(), rounding):
                raise ConfigError("compiled, they give other numbers")
    return view


def response_states(causal: CausalModel, rows: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """What `causal.head` needs to predict each response token, (N, D), and these tokens, (N,), row after row."""
    width = max(len(row.fed) for row in rows)
    ids = torch.tensor([[*row.fed, *[0] * (width - len(row.fed))] for row in rows], device=causal.device)  # (B, L)
    places = [(r, c) for r, row in enumerate(rows) for c in range(row.prompt_length - 1, len(row.fed))]
    targets = torch.tensor([i for row in rows for i in row.ids[row.prompt_length :]], device=causal.device)
    states = causal.head.states([r for r, _ in places], [c for _, c in places], input_ids=ids, use_cache=False)
    return states, targets


def packed_states(view: CausalModel, rows: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """As `response_states`, row after row: the same numbers up to rounding.

    Parameters
    ----------
    view : CausalModel
        Prepared by `pack_rows`.
    rows : Sequence[Encoded]
        One micro-batch; neighbours of like length share a block, so they are best sorted by it.
    """
    lengths = [len(row.fed) for row in rows]
    found = blocks(lengths)
    widths = np.repeat([length for _, length in found], [count for count, _ in found])
    edges = np.concatenate([[0], np.cumsum(widths)])
    starts = edges[:-1]
    ids = np.zeros(edges[-1], dtype=np.int64)
    for start, row in zip(starts, rows, strict=True):
        ids[start : start + len(row.fed)] = row.fed
    positions = np.arange(edges[-1]) - np.repeat(starts, widths)
    columns = np.concatenate(
        [np.arange(s + row.prompt_length - 1, s + len(row.fed)) for s, row in zip(starts, rows, strict=True)]
    )
    targets = np.concatenate([row.ids[row.prompt_length :] for row in rows])
    device = view.device
    states = view.head.states(
        np.zeros_like(columns),
        columns,
        input_ids=torch.from_numpy(ids)[None].to(device),
        position_ids=torch.from_numpy(positions)[None].to(device),
        attention_mask=torch.zeros((1, 1, 1, 1), device=device),  # of four dimensions: taken as it is, no other is made
        packing=Packing(
            tuple(found),
            torch.from_numpy(edges.astype(np.int32)).to(device),
            1 << (max(length for _, length in found) - 1).bit_length(),
            takes(device, view.dtype),
        ),
        use_cache=False,
    )
    return states, torch.from_numpy(targets).to(device)


def batch_states(view: CausalModel, rows: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """States and targets of a micro-batch: packed where `pack_rows` has prepared the view, else padded."""
    return packed_states(view, rows) if packs(view) else response_states(view, rows)


def computed_tokens(view: CausalModel, rows: Sequence[Encoded]) -> int:
    """Tokens that `batch_states` computes for one micro-batch, padding included."""
    count = packed_tokens if packs(view) else padded_tokens
    return count([len(row.fed) for row in rows], [range(len(rows))])


def packs(view: CausalModel) -> bool:
    """Whether `pack_rows` has prepared the view."""
    return bool(view.model.config._attn_implementation == _NAME)


def kept_attention(base: CausalModel, longest: int) -> int:
    """Attention weights of a token, over all blocks, that packed rows keep for the backward pass, at most.

    Parameters
    ----------
    longest : int
        Tokens of the longest row.
    """
    if base.device.type != "cpu":
        return 0  # fused attention makes them again
    config = base.model.config.get_text_config()
    return int(config.num_hidden_layers * config.num_attention_heads * min(longest, _PLAIN_BELOW.get(base.dtype, 0)))


class _Unpackable(Exception):
    """The attention of this family has a part that is not done for packed rows: it names it."""


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    packing: Packing | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Of `query` (1, H, L, D), `key` and `value` (1, K, L, D) to (1, L, H, D), as the registry asks."""
    if packing is None:
        attended: tuple[torch.Tensor, None] = ALL_ATTENTION_FUNCTIONS["sdpa"](
            module, query, key, value, attention_mask, **kwargs
        )
        return attended
    unknown = [name for name in _UNKNOWN if kwargs.get(name) is not None] + ["dropout"] * bool(kwargs.get("dropout"))
    if unknown:
        raise _Unpackable(unknown[0])
    scale = kwargs.get("scaling") or query.shape[-1] ** -0.5
    window = kwargs.get("sliding_window")
    if packing.one_kernel:
        q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
        return varlen(q, k, v, packing.edges, packing.longest, scale, window).unsqueeze(0), None
    apart = [_blocks(tensor, packing) for tensor in (query, key, value)]
    done = [_block(q, k, v, scale, window) for q, k, v in zip(*apart, strict=True)]
    return torch.cat([part.transpose(1, 2).flatten(0, 1) for part in done]).unsqueeze(0), None


def _blocks(tensor: torch.Tensor, packing: Packing) -> list[torch.Tensor]:
    """Of (1, H, L, D) to (n, H, l, D) each."""
    parts = torch.split(tensor[0], packing.sizes, dim=1)
    heads, size = tensor.shape[1], tensor.shape[3]
    return [part.view(heads, *block, size).transpose(0, 1) for part, block in zip(parts, packing.blocks, strict=True)]


def _block(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, window: int | None) -> torch.Tensor:
    """Causal attention within each row: of (n, H, l, D) and (n, K, l, D) to (n, H, l, D)."""
    length = q.shape[2]
    windowed = window is not None and window < length
    if windowed or (q.device.type == "cpu" and length < _PLAIN_BELOW.get(q.dtype, 0)):
        return _plain(q, k, v, scale, window if windowed else None)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=q.shape[1] != k.shape[1])


def _plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, window: int | None) -> torch.Tensor:
    """As products and a softmax. The heads that share keys are one product's rows."""
    (count, heads, length, size), kept = q.shape, k.shape[1]
    hidden = torch.ones((length, length), dtype=torch.bool, device=q.device).triu(1)
    if window is not None:
        hidden |= torch.ones_like(hidden).tril(-window)
    shared = (q * scale).reshape(count, kept, heads // kept * length, size)
    weights = (shared @ k.transpose(2, 3)).view(count, heads, length, length).masked_fill_(hidden, -torch.inf)
    weights = weights.softmax(-1).view(count, kept, heads // kept * length, length)
    return (weights @ v).view(count, heads, length, size)


def _refusal(view: CausalModel, why: str) -> str:
    return (
        f"training.batcher packs rows, but the attention of {view.name} does more than is done for packed rows "
        f'({why.removeprefix("_Unpackable: ")}); set training.batcher.kind to "bucketed"'
    )


AttentionInterface.register(_NAME, _attention)
AttentionMaskInterface.register(_NAME, sdpa_mask)

"""Keys and values of many sequences in one bounded store of blocks, as a cache that transformers models write to.

Each pass says by `begin` which blocks its rows read and where its tokens go; the model's layers then call `update`.
A block is cleared before it gets a new owner: positions that a mask hides have the weight 0, and 0 times a number that
is not finite is not 0.

Shape suffixes: R rows, C columns of new tokens, N new tokens of all rows, B blocks of a row, T positions read, H heads,
E size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache, DynamicCache

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel

BLOCK = 16
"""Positions in a block."""


@dataclass(frozen=True, slots=True)
class KvLayout:
    """What one position costs in one model: per layer, heads and their size (keys, values), and the window or None."""

    keys: tuple[tuple[int, int], ...]
    values: tuple[tuple[int, int], ...]
    windows: tuple[int | None, ...]
    dtype: torch.dtype

    @property
    def bytes_per_position(self) -> int:
        """Of all layers together."""
        return sum(h * e for h, e in (*self.keys, *self.values)) * self.dtype.itemsize

    def blocks(self, mebibytes: int) -> int:
        """Blocks that fit into so much memory, the padding one included."""
        return (mebibytes * 2**20) // (self.bytes_per_position * BLOCK)


@torch.inference_mode()
def kv_layout(causal: CausalModel) -> KvLayout:
    """Ask the model by one token.

    Raises
    ------
    ModelUnusable
        It keeps something else than keys and values (a recurrent state), which cannot be cut into blocks.
    """
    cache = DynamicCache(config=causal.model.config)
    causal.model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=causal.device), past_key_values=cache)
    layers: list[Any] = cache.layers
    for number, layer in enumerate(layers):
        if not isinstance(getattr(layer, "keys", None), torch.Tensor):
            raise ModelUnusable(
                f"{causal.name}: layer {number} keeps a {type(layer).__name__}, but only keys and values can be cut "
                "into blocks; serve this model by another backend"
            )
    return KvLayout(
        tuple((layer.keys.shape[1], layer.keys.shape[3]) for layer in layers),
        tuple((layer.values.shape[1], layer.values.shape[3]) for layer in layers),
        tuple(getattr(layer, "sliding_window", None) for layer in layers),
        layers[0].keys.dtype,
    )


class PagedCache(Cache):
    """The store: per layer, keys and values (blocks, BLOCK, H, E).

    Parameters
    ----------
    number : int
        Blocks in all.
    """

    def __init__(self, causal: CausalModel, layout: KvLayout, number: int) -> None:
        super().__init__(layers=[])
        self._layout = layout
        self._types: Sequence[str] | None = getattr(causal.model.config, "layer_types", None)
        self._additive = causal.model.config._attn_implementation != "sdpa"  # eager attention adds its mask
        self._device = causal.device

        def store(shapes: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
            return [torch.empty((number, BLOCK, *s), dtype=layout.dtype, device=causal.device) for s in shapes]

        self._keys, self._values = store(layout.keys), store(layout.values)
        self._table_M = torch.zeros(0, dtype=torch.long)
        self._write_N = self._table_M
        self._real_N: torch.Tensor | None = None
        self._rows = 0
        self.clear([0])

    @torch.inference_mode()
    def clear(self, blocks: Sequence[int]) -> None:
        """Set blocks to zero."""
        if blocks:
            index = torch.tensor(blocks, device=self._device)
            for store in (*self._keys, *self._values):
                store.index_fill_(0, index, 0)

    def begin(
        self, tables: Sequence[Sequence[int]], starts: Sequence[int], sizes: Sequence[int]
    ) -> tuple[torch.Tensor, Any]:
        """Prepare one pass.

        Parameters
        ----------
        tables : Sequence[Sequence[int]]
            Blocks of each row.
        starts, sizes : Sequence[int]
            The position of each row's first new token, and how many there are; the shorter ones are padded right.

        Returns
        -------
        tuple
            `position_ids` (R, C) and `attention_mask`.
        """
        width, reach = max(sizes), max(start + size for start, size in zip(starts, sizes, strict=True))
        wide = -(-reach // BLOCK)
        table_RB = torch.tensor([[*table[:wide], *[0] * (wide - len(table))] for table in tables])
        position_RC = torch.tensor(starts)[:, None] + torch.arange(width)
        # A padded column has no place of its own; it is never written.
        place_RC = table_RB.gather(1, (position_RC // BLOCK).clamp(max=wide - 1)) * BLOCK + position_RC % BLOCK
        self._real_N = None
        if min(sizes) < width:
            real_RC = torch.arange(width) < torch.tensor(sizes)[:, None]
            self._real_N = real_RC.flatten().nonzero().squeeze(1).to(self._device)
            place_RC = place_RC[real_RC]
        self._write_N = place_RC.flatten().to(self._device)
        self._table_M = table_RB.flatten().to(self._device)
        self._rows = len(tables)
        position_RC = position_RC.to(self._device)
        return position_RC, self._masks(position_RC, wide * BLOCK, self._additive)

    def at(self, table_RB: torch.Tensor, write_RC: torch.Tensor, position_RC: torch.Tensor) -> Any:
        """As `begin`, with inputs that lie on the device; gives an additive `attention_mask`.

        Parameters
        ----------
        table_RB : torch.Tensor
            Blocks of each row.
        write_RC : torch.Tensor
            Where the tokens go, counted over all blocks.
        """
        self._write_N, self._table_M, self._real_N = write_RC.reshape(-1), table_RB.reshape(-1), None
        self._rows = len(table_RB)
        return self._masks(position_RC, table_RB.shape[1] * BLOCK, additive=True)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new keys and values (R, H, C, E) and give all that the rows may read, (R, H, T, E)."""
        return (
            self._exchange(self._keys[layer_idx], key_states),
            self._exchange(self._values[layer_idx], value_states),
        )

    def _exchange(self, store: torch.Tensor, fresh_RHCE: torch.Tensor) -> torch.Tensor:
        heads, size = store.shape[2:]
        fresh_NHE = fresh_RHCE.transpose(1, 2).reshape(-1, heads, size)
        if self._real_N is not None:
            fresh_NHE = fresh_NHE.index_select(0, self._real_N)
        store.view(-1, heads, size).index_copy_(0, self._write_N, fresh_NHE)
        return store.index_select(0, self._table_M).view(self._rows, -1, heads, size).transpose(1, 2)

    def _masks(self, position_RC: torch.Tensor, reach: int, additive: bool) -> Any:
        windows = self._layout.windows
        if len(set(windows)) == 1 or self._types is None:
            return self._mask(position_RC, reach, windows[0], additive)
        by_type = dict(zip(self._types, windows, strict=True))
        return {kind: self._mask(position_RC, reach, window, additive) for kind, window in by_type.items()}

    def _mask(self, position_RC: torch.Tensor, reach: int, window: int | None, additive: bool) -> torch.Tensor:
        seen_T = torch.arange(reach, device=self._device)
        seen_R1CT = seen_T <= position_RC[:, None, :, None]
        if window is not None:
            seen_R1CT &= seen_T > position_RC[:, None, :, None] - window
        if not additive:
            return seen_R1CT
        lowest = torch.finfo(self._layout.dtype).min
        return torch.zeros(seen_R1CT.shape, dtype=self._layout.dtype, device=self._device).masked_fill(
            ~seen_R1CT, lowest
        )

"""Many LoRA adapters of one model at once: each row of a batch goes through its own.

The adapters' factors lie side by side in slots of equal rank, A over A and B over B, so that a layer costs two dense
products whatever the mixture, `y + mask(x A^T) B` (LoRA: Hu et al. 2021, arXiv 2106.09685; many in one batch: Chen et
al. 2023, arXiv 2310.18547). Between the two, a row keeps only what its own slot made. The rest is *set* to zero, not
multiplied by it, and only finite weights are taken, so whatever one version computes reaches no other's rows.

Shape suffixes: R rows, C columns, K ranks of the slots side by side, I in, O out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from ccit.errors import ModelUnusable
from ccit.models.adapter_format import check_fit, read_adapter
from ccit.models.causal import CausalModel

_FIRST_SLOTS = 5  # the active version, three kept, and one that is loading; more are made when they are asked for


@dataclass(frozen=True, slots=True)
class Converted:
    """An adapter ready to be copied into a slot: per layer, A (rank, I) and B (rank, O) with alpha / rank in it."""

    rank: int
    factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]]


@dataclass(slots=True)
class _Lanes:
    """Which slots the rows of the pass under way use; all layers look here."""

    first: int = 0  # ranks, not slots
    last: int = 0
    others: torch.Tensor | None = None  # (R, 1, K): what is not a row's own; None where all is


class AdapterBank:
    """Slots for adapters over one model.

    Parameters
    ----------
    base : CausalModel
        Nothing of it is changed: the bank has a module tree of its own over the same tensors.
    """

    def __init__(self, base: CausalModel) -> None:
        shared: dict[int, Any] = {id(tensor): tensor for tensor in (*base.model.parameters(), *base.model.buffers())}
        self.causal = replace(base, model=copy.deepcopy(base.model, shared))
        """The model through which the rows go."""
        self._linear = _linear_layers(self.causal.model)
        self._layers: dict[str, _SlottedLayer] = {}
        self._lanes = _Lanes()
        self._slots, self._rank = 0, 0
        self._free: list[int] = []

    def convert(self, files: Mapping[str, bytes]) -> Converted:
        """From an adapter's files to tensors on the device; touches nothing that a pass reads, so any thread may do it.

        Raises
        ------
        ModelUnusable
            No plain LoRA, not finite, or not fitting this model layer by layer.
        """
        shape, tensors = read_adapter(files)
        paths = [p for p in self._linear if any(p == t or p.endswith(f".{t}") for t in shape.target_modules)]
        wanted = dict[str, tuple[int, ...]]()
        for path in paths:
            wide, tall = self._linear[path]
            wanted |= {f"{path}.lora_A.weight": (shape.rank, wide), f"{path}.lora_B.weight": (tall, shape.rank)}
        try:
            check_fit(wanted, tensors)
        except ValueError as error:
            raise ModelUnusable(f"the adapter does not fit {self.causal.name}: {error}") from error
        factors = {path: self._factors(path, tensors, shape.alpha / shape.rank) for path in paths}
        return Converted(shape.rank, _moved(factors, self.causal.device))

    def take(self) -> int:
        """A free slot, kept until `give_back`."""
        if not self._free:
            self._grow(2 * self._slots or _FIRST_SLOTS, self._rank)
        return self._free.pop()

    def give_back(self, slot: int) -> None:
        """The slot is free; no row goes through it any more."""
        self._free.append(slot)

    @torch.inference_mode()
    def install(self, slot: int, adapter: Converted) -> Iterator[None]:
        """Copy an adapter into a slot, one layer at each `next`; between two of them other slots may be used."""
        if adapter.rank > self._rank:
            self._grow(self._slots, adapter.rank)
        for path in adapter.factors:
            if path not in self._layers:
                self._place(path)
        for path, layer in self._layers.items():
            layer.fill(slot, self._rank, adapter.factors.get(path))
            yield

    def use(self, slots: Sequence[int | None]) -> None:
        """Say whose slot each row of the next pass goes through; None is the model without an adapter."""
        used = {slot for slot in slots if slot is not None}
        if not used:
            self._lanes.first = self._lanes.last = 0
            return
        rank, low, high = self._rank, min(used), max(used) + 1
        self._lanes.first, self._lanes.last = low * rank, high * rank
        self._lanes.others = None
        if len(used) > 1 or None in slots:
            own_R = torch.tensor([-1 if slot is None else slot for slot in slots])
            others_RK = own_R[:, None] != torch.arange(low, high).repeat_interleave(rank)
            self._lanes.others = others_RK[:, None].to(self.causal.device)

    def use_each(self, slot_R: torch.Tensor) -> None:
        """As `use`, for slots that lie on the device (-1 is none) and may change without a new call; all are read."""
        lanes = self._slots * self._rank
        self._lanes.first, self._lanes.last = 0, lanes
        own_K = torch.arange(lanes, device=slot_R.device) // max(1, self._rank)
        self._lanes.others = (slot_R[:, None] != own_K)[:, None]

    @property
    def layout(self) -> tuple[int, ...]:
        """Changes when the slots' tensors are made anew."""
        return self._slots, self._rank, len(self._layers)

    def _factors(
        self, path: str, tensors: Mapping[str, torch.Tensor], scale: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        a = tensors[f"{path}.lora_A.weight"].to(self.causal.dtype)
        b = (tensors[f"{path}.lora_B.weight"].float() * scale).T.contiguous().to(self.causal.dtype)
        if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise ModelUnusable(f"{path}: its weights are not finite as {self.causal.dtype}; train the round again")
        return a, b

    def _place(self, path: str) -> None:
        parent, _, name = path.rpartition(".")
        layer = _SlottedLayer(self.causal.model.get_submodule(path), self._lanes, self._linear[path], self.causal)
        layer.hold(layer.resized(self._slots, self._rank, self._rank))
        setattr(self.causal.model.get_submodule(parent), name, layer)
        self._layers[path] = layer

    def _grow(self, slots: int, rank: int) -> None:
        resized = [layer.resized(slots, self._rank, rank) for layer in self._layers.values()]
        for layer, stores in zip(self._layers.values(), resized, strict=True):  # all or, without memory for all, none
            layer.hold(stores)
        self._free = [*range(slots - 1, self._slots - 1, -1), *self._free]
        self._slots, self._rank = slots, rank


class _SlottedLayer(torch.nn.Module):
    """A linear layer with the factors of all slots beside it."""

    def __init__(self, layer: torch.nn.Module, lanes: _Lanes, size: tuple[int, int], causal: CausalModel) -> None:
        super().__init__()
        self.layer, self._lanes = layer, lanes
        self._a_KI = torch.zeros((0, size[0]), dtype=causal.dtype, device=causal.device)
        self._b_KO = torch.zeros((0, size[1]), dtype=causal.dtype, device=causal.device)

    def forward(self, x_RCI: torch.Tensor) -> torch.Tensor:
        """The layer's output, and what each row's own adapter adds."""
        y_RCO: torch.Tensor = self.layer(x_RCI)
        lanes = self._lanes
        if lanes.first == lanes.last:
            return y_RCO
        h_RCK = torch.nn.functional.linear(x_RCI, self._a_KI[lanes.first : lanes.last])
        if lanes.others is not None:
            h_RCK.masked_fill_(lanes.others, 0)
        flat_NO = y_RCO.view(-1, y_RCO.shape[-1])
        flat_NO.addmm_(h_RCK.view(-1, h_RCK.shape[-1]), self._b_KO[lanes.first : lanes.last])
        return y_RCO

    def fill(self, slot: int, rank: int, factors: tuple[torch.Tensor, torch.Tensor] | None) -> None:
        """Write one slot; a layer that the adapter does not change gets zeros, and so do ranks that it has not."""
        for store, factor in zip((self._a_KI, self._b_KO), factors or (None, None), strict=True):
            place = store[slot * rank : (slot + 1) * rank]
            used = 0 if factor is None else len(factor)
            if factor is not None:
                place[:used] = factor
            place[used:] = 0

    def hold(self, stores: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Go through these from now on: A and B of all slots, side by side."""
        self._a_KI, self._b_KO = stores

    def resized(self, slots: int, old_rank: int, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The stores with room for more; what the slots hold is in them."""

        def roomier(store: torch.Tensor) -> torch.Tensor:
            larger = store.new_zeros((slots, rank, store.shape[1]))
            held = len(store) // old_rank if old_rank else 0
            if held:
                larger[:held, :old_rank] = store.view(held, old_rank, -1)
            return larger.view(slots * rank, -1)

        return roomier(self._a_KI), roomier(self._b_KO)


def _moved(
    factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]], device: torch.device
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """On the device, in one copy: each waits there for the step under way."""
    parts = [part for pair in factors.values() for part in pair]
    pieces = torch.split(torch.cat([part.flatten() for part in parts]).to(device), [part.numel() for part in parts])
    found = [piece.view_as(part) for piece, part in zip(pieces, parts, strict=True)]
    return dict(zip(factors, zip(found[::2], found[1::2], strict=True), strict=True))


def _linear_layers(model: Any) -> dict[str, tuple[int, int]]:
    """Path of each linear layer but the head -> its size in and out."""
    head = model.get_output_embeddings()
    sizes = dict[str, tuple[int, int]]()
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module is not head:
            sizes[path] = (module.in_features, module.out_features)
        elif isinstance(module, Conv1D) and module is not head:
            sizes[path] = (module.nx, module.nf)
    return sizes

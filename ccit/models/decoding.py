"""Continuous batching: rows join and leave a batch between passes, each with a position and an adapter of its own.

One batch serves evaluation and serving. Whoever owns it calls, in turn: `join` for each prompt there is room for;
`passes`, and `run` for each of them; `append` for each row that `run` gave logits for; `leave`. Rows that decode go
together, one token each. Prompts are read in parts, in the order of joining, beside them, so that a long prompt holds
nobody up for longer than one part takes (chunked prefill: Agrawal et al. 2023, arXiv 2308.16369).

A row's logits depend on its neighbours by rounding alone: sums over another shape are added in another order.

Shape suffixes: R rows, C columns of new tokens, N rows that want a token, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import torch

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel
from ccit.models.fixed_shapes import FixedShapes, Next, computed
from ccit.models.kv_blocks import KvBlocks, Reservation
from ccit.models.paged_cache import BLOCK, PagedCache, kv_layout
from ccit.ports.serving import BlockCounts

PART, GPU_PART = 256, 1024
"""Tokens of prompts that one pass reads on a CPU and on a GPU, padding included, unless its owner says otherwise."""


def likeliest(logits_NV: torch.Tensor) -> list[int | None]:
    """The most probable token of each row, greedy decoding; None where the logits are not finite.

    A word that is forbidden (-inf) is none's fault.

    >>> likeliest(torch.tensor([[0.1, 0.9], [0.7, 0.2], [float("nan"), 0.0]]))
    [1, 0, None]
    """
    best_N, token_N = logits_NV.max(dim=-1)
    tokens: list[int] = torch.where(best_N.isfinite(), token_N, -1).tolist()
    return [None if token < 0 else token for token in tokens]


@dataclass(eq=False, slots=True)
class Row:
    """One sequence in the batch.

    Parameters
    ----------
    held : Reservation
        Its blocks.
    slot : int | None
        Its adapter's; None is the model without one.
    pending : list[int]
        Tokens to be read next.
    position : int
        Of the first of them.
    """

    held: Reservation
    slot: int | None
    pending: list[int]
    position: int

    def append(self, token: int) -> None:
        """The row goes on with this token."""
        self.pending.append(token)


@dataclass(frozen=True, slots=True)
class Pass:
    """Rows to run together, and how many tokens of each."""

    rows: tuple[Row, ...]
    sizes: tuple[int, ...]

    def alone(self) -> Iterable[Pass]:
        """Each row for itself, to find the one that a pass failed for; what was written is written again."""
        return (Pass((row,), (size,)) for row, size in zip(self.rows, self.sizes, strict=True))


class Batch:
    """Rows over one model, within a bounded memory.

    Parameters
    ----------
    source : CausalModel | AdapterBank
        What the rows go through; with a bank, each through its own slot.
    mebibytes : int
        Memory for keys and values, at most.
    positions : int
        As many are enough; memory for more is not taken.
    part : int | None
        Tokens of prompts that one pass reads, padding included; a long prompt takes several.
    fixed_shapes : bool | None
        Whether passes go through `FixedShapes` where they fit; None: on a GPU they do.

    Raises
    ------
    ModelUnusable
        The model keeps something else than keys and values.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> batch = Batch(load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu"), 1, positions=64)
    >>> row = batch.join([1, 2, 3], length=5)
    >>> for _ in range(2):
    ...     for step in batch.passes():
    ...         for row, logits in zip(*batch.run(step)):
    ...             row.append(int(logits.argmax()))
    >>> row.position, len(row.pending)
    (4, 1)
    """

    def __init__(
        self,
        source: CausalModel | AdapterBank,
        mebibytes: int,
        positions: int,
        part: int | None = None,
        fixed_shapes: bool | None = None,
    ) -> None:
        self._bank = source if isinstance(source, AdapterBank) else None
        self.causal = source.causal if isinstance(source, AdapterBank) else source
        self._part = part or (GPU_PART if self.causal.device.type == "cuda" else PART)
        self._head = self.causal.head  # made before any row is there: it asks the model
        layout = kv_layout(self.causal)
        number = min(layout.blocks(mebibytes), -(-positions // BLOCK) + 1)
        self._blocks = KvBlocks(max(number, 2), BLOCK)
        spare = self._blocks.number  # one block more than is given out
        self._cache = PagedCache(self.causal, layout, spare + 1)
        device = self.causal.device
        fixed = device.type == "cuda" if fixed_shapes is None else fixed_shapes
        self._fixed = FixedShapes(self._head, self._cache, self._bank, device, spare) if fixed else None
        self.rows: list[Row] = []  # in the order of joining
        self.computed = 0  # positions, padding included

    @property
    def blocks(self) -> BlockCounts:
        """As they are now; may be asked from any thread."""
        return BlockCounts(self._blocks.number - 1, self._blocks.used, self._blocks.kept)

    @property
    def positions(self) -> int:
        """The longest sequence that there is ever room for."""
        return (self._blocks.number - 1) * BLOCK

    def join(self, prompt: Sequence[int], length: int, slot: int | None = None, root: Hashable = None) -> Row | None:
        """Take a prompt in; None where there is no room for it now.

        Parameters
        ----------
        prompt : Sequence[int]
            Token ids, at least one.
        length : int
            Positions that the row will need: prompt and answer without its last token, which nobody reads.
        slot : int | None
            Of the bank.
        root : Hashable
            Names the weights behind the slot; prompts that begin alike share what equal weights made of it.
        """
        held = self._blocks.reserve(root, prompt, length)
        if held is None:
            return None
        try:
            self._cache.clear(held.blocks[held.shared :])
        except RuntimeError:  # the device is out of memory: what was reserved belongs to nobody
            self._blocks.release(held)
            raise
        shared = held.shared * BLOCK
        row = Row(held, slot, list(prompt[shared:]), shared)
        self.rows.append(row)
        return row

    def leave(self, row: Row) -> None:
        """The row's blocks are free."""
        self.rows.remove(row)
        self._blocks.release(row.held)

    def passes(self) -> list[Pass]:
        """What to run now: the rows that decode, and a part of the prompts that are still to be read."""
        decoding = [row for row in self.rows if len(row.pending) == 1]
        found = [Pass(tuple(decoding), (1,) * len(decoding))] if decoding else []
        rows, sizes = list[Row](), list[int]()
        for row in self.rows:
            size = min(len(row.pending), self._part)
            if size > 1 and max([size, *sizes]) * (len(rows) + 1) <= self._part:
                rows.append(row)
                sizes.append(size)
        return [*found, Pass(tuple(rows), tuple(sizes))] if rows else found

    @torch.inference_mode()
    def run(self, step: Pass) -> tuple[list[Row], torch.Tensor]:
        """Read tokens; gives the rows that want a token now, and their logits (N, V), float32.

        Raises
        ------
        RuntimeError
            The device gave up; the rows are as they were.
        """
        rows, sizes = step.rows, step.sizes
        if self._fixed is not None and self._fixed.takes(len(rows), max(sizes)):
            return self._run_fixed(self._fixed, step)
        position_RC, mask = self._cache.begin([row.held.blocks for row in rows], [row.position for row in rows], sizes)
        width = max(sizes)
        ids = [[*row.pending[:size], *[0] * (width - size)] for row, size in zip(rows, sizes, strict=True)]
        if self._bank is not None:
            self._bank.use([row.slot for row in rows])
        wanting = [n for n, row in enumerate(rows) if len(row.pending) == sizes[n]]
        states_ND = self._head.states(
            wanting,
            [sizes[n] - 1 for n in wanting],
            input_ids=torch.tensor(ids, device=self.causal.device),
            position_ids=position_RC,
            attention_mask=mask,
            past_key_values=self._cache,
            use_cache=True,
        )
        logits_NV = self._head.logits(states_ND)
        self.computed += width * len(rows)
        for row, size in zip(rows, sizes, strict=True):
            self._advance(row, size)
        return [rows[n] for n in wanting], logits_NV

    def _run_fixed(self, fixed: FixedShapes, step: Pass) -> tuple[list[Row], torch.Tensor]:
        read = [
            Next(row.pending[:size], row.position, row.held.blocks, row.slot)
            for row, size in zip(step.rows, step.sizes, strict=True)
        ]
        logits_RV = fixed.run(read)
        wanting = [n for n, row in enumerate(step.rows) if len(row.pending) == step.sizes[n]]
        self.computed += computed(len(step.rows), max(step.sizes))
        for row, size in zip(step.rows, step.sizes, strict=True):
            self._advance(row, size)
        wanted_NV = logits_RV if len(wanting) == len(step.rows) else logits_RV[wanting]
        return [step.rows[n] for n in wanting], wanted_NV

    def _advance(self, row: Row, size: int) -> None:
        prompt = len(row.held.prompt)
        if row.position < prompt <= row.position + size:
            self._blocks.computed(row.held)
        row.position += size
        del row.pending[:size]

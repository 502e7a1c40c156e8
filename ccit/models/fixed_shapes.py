"""Passes in a few fixed shapes, so that a GPU repeats a recorded pass instead of launching it anew.

A pass through 24 layers with adapters is more than a thousand kernels, and launching them takes longer than what a few
tokens cost. Recorded once as a CUDA graph, a pass is launched as a whole. For that its shape and the places of its
inputs must stay: rows, columns and blocks are rounded up, what is new is written to the same place before each run, and
what nobody asked for reads zeros and is written to a block that nobody reads.

A shape is recorded when it is first needed, in about twice the time of a pass. Without a GPU the same pass runs as it
is, so that what is computed can be tested anywhere.

Shape suffixes: R rows, C columns of new tokens, B blocks of a row, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ccit.models.adapter_bank import AdapterBank
from ccit.models.head import Head
from ccit.models.paged_cache import BLOCK, PagedCache

_FEWEST_BLOCKS = 16
_STEP = 32  # rows: beyond so many, multiples of it; up to it, powers of two
_COLUMNS = (1, 16, 64, 256, 1024)
_MOST = 1024  # tokens of a pass: one of more keeps a GPU busy for longer than its launches take
_START, _LAST, _SLOT, _NUMBERS = range(4)  # the numbers of a row that come before its blocks, tokens and places


@dataclass(frozen=True, slots=True)
class Next:
    """The tokens that a row reads now.

    Parameters
    ----------
    tokens : Sequence[int]
        Their ids, at least one.
    start : int
        Position of the first.
    blocks : Sequence[int]
        The row's.
    slot : int | None
        Of the row's adapter.
    """

    tokens: Sequence[int]
    start: int
    blocks: Sequence[int]
    slot: int | None


def rounded_rows(count: int) -> int:
    """Rows of the shape that takes so many.

    >>> [rounded_rows(count) for count in (1, 3, 9, 32, 33)]
    [1, 4, 16, 32, 64]
    """
    return 1 << (count - 1).bit_length() if count <= _STEP else -(-count // _STEP) * _STEP


def computed(rows: int, columns: int) -> int:
    """Tokens that a pass over so many rows and columns computes.

    >>> computed(3, 1), computed(1, 100)
    (4, 256)
    """
    return rounded_rows(rows) * _rounded_columns(columns)


def _rounded_columns(count: int) -> int:
    return next(columns for columns in _COLUMNS if columns >= count)


class FixedShapes:
    """Passes of a few tokens over the rows of a paged cache.

    Parameters
    ----------
    spare : int
        A block of the cache that nobody reads.
    bank : AdapterBank | None
        Where the rows' adapters lie.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.models.paged_cache import kv_layout
    >>> from ccit.testing import random_model
    >>> causal = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> cache = PagedCache(causal, kv_layout(causal), number=3)
    >>> shapes = FixedShapes(causal.head, cache, None, causal.device, spare=2)
    >>> shapes.run([Next([5, 6], start=0, blocks=[1], slot=None)]).shape
    torch.Size([1, 259])
    """

    def __init__(
        self, head: Head, cache: PagedCache, bank: AdapterBank | None, device: torch.device, spare: int
    ) -> None:
        self._head, self._cache, self._bank = head, cache, bank
        self._device, self._spare = device, spare
        self._shapes: dict[tuple[int, int, int], _Shape] = {}
        self._layout: tuple[int, ...] = ()
        # Passes run one after the other, and what one has made is read before the next: they may share their memory.
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

    def takes(self, rows: int, columns: int) -> bool:
        """Whether there is a shape for so many; some models' heads cannot be asked for single columns."""
        return columns == 1 or (self._head.alone and columns <= _COLUMNS[-1] and computed(rows, columns) <= _MOST)

    @torch.inference_mode()
    def run(self, rows: Sequence[Next]) -> torch.Tensor:
        """Read the tokens; gives the logits after the last of each row, (R, V) float32, until the next run."""
        self._forget_old_slots()
        blocks = max((row.start + len(row.tokens) - 1) // BLOCK + 1 for row in rows)
        columns = _rounded_columns(max(len(row.tokens) for row in rows))
        key = rounded_rows(len(rows)), columns, max(_FEWEST_BLOCKS, 1 << (blocks - 1).bit_length())
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = _Shape(key, self._spare, self._device)
            shape.record(self._pass, self._pool)
        shape.fill(rows)
        return shape.logits(self._pass)[: len(rows)]

    def _pass(self, shape: _Shape) -> torch.Tensor:
        if self._bank is not None:
            self._bank.use_each(shape.slot_R)
        position_RC = shape.start_R[:, None] + torch.arange(shape.columns, device=self._device)
        states = self._head.states_at(
            shape.last_R,
            input_ids=shape.token_RC,
            position_ids=position_RC,
            attention_mask=self._cache.at(shape.table_RB, shape.write_RC, position_RC),
            past_key_values=self._cache,
            use_cache=True,
        )
        return self._head.logits(states)

    def _forget_old_slots(self) -> None:
        """A recorded pass reads the bank's tensors where they were."""
        layout = self._bank.layout if self._bank is not None else ()
        if layout != self._layout:
            self._shapes.clear()
            self._layout = layout


class _Shape:
    """The places of one shape's inputs, and its recorded pass."""

    def __init__(self, key: tuple[int, int, int], spare: int, device: torch.device) -> None:
        rows, self.columns, blocks = key
        self._spare = spare
        width = _NUMBERS + blocks + 2 * self.columns
        self._here = torch.zeros((rows, width), dtype=torch.long, pin_memory=device.type == "cuda")
        self._there = torch.zeros((rows, width), dtype=torch.long, device=device)
        self.start_R, self.last_R, self.slot_R = self._there[:, :_NUMBERS].unbind(1)
        sizes = [_NUMBERS, blocks, self.columns, self.columns]
        _, self.table_RB, self.token_RC, self.write_RC = torch.split(self._there, sizes, dim=1)
        cuda = device.type == "cuda"
        self._copied = torch.cuda.Event() if cuda else None  # type: ignore[no-untyped-call]  # torch ships it unannotated
        self._graph: torch.cuda.CUDAGraph | None = None
        self._made: torch.Tensor | None = None
        self.fill([])

    def fill(self, rows: Sequence[Next]) -> None:
        """Write the inputs; rows that are not given are nobody's."""
        if self._copied is not None:  # a part of a prompt that wants no token is waited for by nobody
            self._copied.synchronize()
        here = self._here.numpy()
        tokens = here.shape[1] - 2 * self.columns
        here[:, :tokens] = 0
        here[:, _SLOT] = -1
        here[:, tokens + self.columns :] = self._spare * BLOCK
        for line, row in zip(here, rows, strict=False):
            count = len(row.tokens)
            line[:_NUMBERS] = row.start, count - 1, -1 if row.slot is None else row.slot
            held = row.blocks[: (row.start + count - 1) // BLOCK + 1]
            line[_NUMBERS : _NUMBERS + len(held)] = held
            line[tokens : tokens + count] = row.tokens
            places = [row.blocks[p // BLOCK] * BLOCK + p % BLOCK for p in range(row.start, row.start + count)]
            line[tokens + self.columns : tokens + self.columns + count] = places
        self._there.copy_(self._here, non_blocking=True)
        if self._copied is not None:
            self._copied.record(torch.cuda.current_stream(self._there.device))

    def record(self, run: Callable[[_Shape], torch.Tensor], pool: Any) -> None:
        """On a GPU run the pass once, for what libraries set up, and once more to record it."""
        if self._there.device.type != "cuda":
            return
        aside: torch.cuda.Stream = torch.cuda.Stream(self._there.device)  # type: ignore[no-untyped-call]  # torch ships it unannotated
        aside.wait_stream(torch.cuda.current_stream(self._there.device))
        with torch.cuda.stream(aside):
            run(self)
        torch.cuda.current_stream(self._there.device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads, which convert adapters meanwhile, are not recorded and not hindered.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            self._made = run(self)
        self._graph = graph

    def logits(self, run: Callable[[_Shape], torch.Tensor]) -> torch.Tensor:
        """(R, V)."""
        if self._graph is None or self._made is None:
            return run(self)
        self._graph.replay()
        return self._made

"""Which block of the key-value cache belongs to whom: pure bookkeeping, no tensor.

A sequence reserves all blocks that it can need when it begins, so that none is stopped halfway for want of memory.
Blocks that are full of a prompt are kept after use and shared by later prompts that begin alike, as in vLLM's automatic
prefix caching (Kwon et al. 2023, arXiv 2309.06180). They are found by the tokens themselves, not by a hash of them, and
below a root of their own for each set of weights, so no version ever reads what another computed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count

PADDING = 0
"""Fills the tables of shorter sequences; it is given to nobody and holds zeros."""


@dataclass(slots=True)
class Reservation:
    """The blocks of one sequence.

    Parameters
    ----------
    root : Hashable
        What computed the keys and values: the digest of a version.
    prompt : tuple[int, ...]
        Token ids.
    blocks : list[int]
        In the order of positions; the first `shared` of them hold a prefix that was computed before.
    shared : int
        Blocks found in the cache.
    """

    root: Hashable
    prompt: tuple[int, ...]
    blocks: list[int] = field(default_factory=list)
    shared: int = 0


class KvBlocks:
    """Blocks of `size` positions each.

    Parameters
    ----------
    number : int
        Blocks in all, at least 2: one is padding.
    size : int
        Positions in a block.

    Example
    -------
    >>> blocks = KvBlocks(number=5, size=2)
    >>> first = blocks.reserve("v1", [7, 8, 9], length=5)
    >>> blocks.computed(first), blocks.release(first), blocks.free
    (None, None, 4)
    >>> blocks.reserve("v1", [7, 8, 4], length=3).shared, blocks.reserve("v2", [7, 8, 4], length=3).shared
    (1, 0)
    >>> blocks.reserve("v1", [1], length=3) is None
    True
    """

    def __init__(self, number: int, size: int) -> None:
        self.size = size
        self.number = number
        self._free = list(range(number - 1, PADDING, -1))
        self._users: dict[int, int] = {}
        self._found: dict[tuple[Hashable, tuple[int, ...]], int] = {}  # (parent's serial, its tokens) -> block
        self._key: dict[int, tuple[Hashable, tuple[int, ...]]] = {}
        self._serial: dict[int, int] = {}  # never given twice, so that what hung below a block that went is not found
        self._serials = count()
        self._idle: OrderedDict[int, None] = OrderedDict()  # kept though nobody uses them, longest unused first

    @property
    def free(self) -> int:
        """Blocks that a new sequence may have."""
        return len(self._free) + len(self._idle)

    @property
    def used(self) -> int:
        """Blocks of sequences that have not ended."""
        return len(self._users)

    @property
    def kept(self) -> int:
        """Blocks that nobody uses, kept for prompts that begin alike."""
        return len(self._idle)

    def needed(self, length: int) -> int:
        """Blocks for `length` positions."""
        return -(-length // self.size)

    def reserve(self, root: Hashable, prompt: Sequence[int], length: int) -> Reservation | None:
        """Blocks for `length` positions, the prompt's among them; None where too few are free.

        The prompt's last token is always left to compute, for the logits after it.
        """
        held = Reservation(root, tuple(prompt))
        cached = self._cached(held)
        for block in cached:
            self._take(block)
        wanted = self.needed(length) - len(cached)
        if wanted > self.free:
            self._give_back(cached)
            return None
        held.shared = len(cached)
        held.blocks = [*cached, *(self._fresh() for _ in range(wanted))]
        return held

    def computed(self, held: Reservation) -> None:
        """The prompt's keys and values are there: later prompts may share the blocks that it fills."""
        parent: Hashable = held.root
        for number, tokens in enumerate(self._full(held.prompt)):
            key = (parent, tokens)
            if key not in self._found:
                block = held.blocks[number]
                self._found[key], self._key[block], self._serial[block] = block, key, next(self._serials)
            parent = self._serial[self._found[key]]

    def release(self, held: Reservation) -> None:
        """The sequence has ended."""
        self._give_back(held.blocks)

    def _full(self, tokens: Sequence[int]) -> list[tuple[int, ...]]:
        whole = len(tokens) // self.size
        return [tuple(tokens[n * self.size : (n + 1) * self.size]) for n in range(whole)]

    def _cached(self, held: Reservation) -> list[int]:
        found, parent = list[int](), held.root
        for tokens in self._full(held.prompt[:-1]):
            block = self._found.get((parent, tokens))
            if block is None:
                break
            found.append(block)
            parent = self._serial[block]
        return found

    def _fresh(self) -> int:
        if self._free:
            block = self._free.pop()
        else:
            block, _ = self._idle.popitem(last=False)
            del self._found[self._key.pop(block)], self._serial[block]
        self._take(block)
        return block

    def _take(self, block: int) -> None:
        self._idle.pop(block, None)
        self._users[block] = self._users.get(block, 0) + 1

    def _give_back(self, blocks: Sequence[int]) -> None:
        for block in reversed(blocks):  # the end of a prefix is forgotten before its beginning
            self._users[block] -= 1
            if self._users[block]:
                continue
            del self._users[block]
            if block in self._key:
                self._idle[block] = None
            else:
                self._free.append(block)

"""Versions side by side in memory, one of them active; requests lease the one that began them.

How a version takes over, step by step:

1. `load`: the new slot is built beside the old ones, in the caller's thread, over the base's own tensors; it answers a
   trial prompt before anyone can ask it. A failure leaves everything as it was.
2. `activate`: one assignment under a lock. Requests that begin afterwards lease the new slot.
3. Requests in flight finish on the slot they leased. A slot beyond the `keep` youngest is dropped when its last lease
   ends.

The base model is version 0; its slot costs nothing and is always held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch

from ccit.errors import CcitError, ModelUnusable
from ccit.models.causal import CausalModel, prompt_ids, with_adapter


class VersionNotHeld(CcitError):
    """No slot holds the version asked for."""


@dataclass(eq=False)
class Slot:
    """One version in memory, with the number of requests that use it."""

    number: int
    model: CausalModel
    leases: int = 0


class Slots:
    """The versions held in memory. Every method may be called from any thread.

    Parameters
    ----------
    base : CausalModel
        Version 0, active until another is activated.
    alias : str
        The name that clients ask for; `alias@3` names version 3.
    keep : int
        Versions held besides the base and those still in use; the youngest ones, so that a rollback is instant.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> slots = Slots(load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu"), "ccit")
    >>> with slots.lease() as slot:
    ...     slot.number
    0
    """

    def __init__(self, base: CausalModel, alias: str, keep: int = 3) -> None:
        self.alias = alias
        self.base = base
        self.observers: list[Callable[[float], None]] = []  # told the seconds that each load took
        self._keep = keep
        self._lock = threading.Lock()
        self._slots: dict[int, Slot] = {0: Slot(0, base)}  # in order of last load or activation, youngest last
        self._active = 0

    @property
    def active(self) -> int:
        """Number of the version that answers new requests."""
        return self._active

    @property
    def held(self) -> tuple[int, ...]:
        """Numbers of the versions in memory, ascending."""
        with self._lock:
            return tuple(sorted(self._slots))

    def load(self, number: int, files: Mapping[str, bytes] | None) -> None:
        """Build a version's slot beside the others; it answers nobody until `activate`. Does nothing if it is held.

        Parameters
        ----------
        files : Mapping[str, bytes] | None
            The adapter's files as `ArtifactStore.read` gave them; None is a version without an adapter.

        Raises
        ------
        ModelUnusable
            The adapter is no LoRA, does not fit the base, or gives numbers that are not finite; or the trial failed,
            as when the memory that requests leave is too little.
        """
        if number in self.held:
            return
        began = perf_counter()
        model = self.base if files is None else with_adapter(self.base, files)
        _try_out(model, number)
        with self._lock:
            self._slots.setdefault(number, Slot(number, model))
            self._drop_old(spare=number)
        for observe in self.observers:
            observe(perf_counter() - began)

    def activate(self, number: int) -> None:
        """Let a held version answer all requests from now on.

        Raises
        ------
        VersionNotHeld
            It was not loaded, or has been dropped since; the active version stays.
        """
        with self._lock:
            slot = self._require(number)
            self._active = number
            self._slots[number] = self._slots.pop(number, slot)
            self._drop_old()

    @contextmanager
    def lease(self, number: int | None = None) -> Iterator[Slot]:
        """Hold a version while using it: the active one, or the one with this number.

        Raises
        ------
        VersionNotHeld
            No slot holds `number`.
        """
        with self._lock:
            slot = self._require(self._active if number is None else number)
            slot.leases += 1
        try:
            yield slot
        finally:
            with self._lock:
                slot.leases -= 1
                self._drop_old()

    def name(self, number: int) -> str:
        """`alias@number`."""
        return f"{self.alias}@{number}"

    def _require(self, number: int) -> Slot:
        slot = self._slots.get(number)
        if slot is None:
            held = ", ".join(self.name(n) for n in sorted(self._slots))
            raise VersionNotHeld(f"{self.name(number)} is not held in memory here; held are {held}")
        return slot

    def _drop_old(self, spare: int = 0) -> None:
        """Called under the lock. The base, the active one, those in use and `spare` stay."""
        versions = [number for number in self._slots if number != 0]
        for number in versions[: max(0, len(versions) - self._keep)]:
            if number not in (self._active, spare) and not self._slots[number].leases:
                del self._slots[number]


def _try_out(model: CausalModel, number: int) -> None:
    prompt = prompt_ids(model.tokenizer, [{"role": "user", "content": "Hello"}])
    try:
        with torch.inference_mode():
            ids = torch.tensor([prompt], device=model.device)
            finite = bool(torch.isfinite(model.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits).all())
    except RuntimeError as error:  # out of memory (torch.OutOfMemoryError), or an operation that the device refuses
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnusable(f"version {number} cannot answer a trial prompt: {why}") from error
    if not finite:
        raise ModelUnusable(f"version {number} answers a trial prompt with numbers that are not finite; not loaded")

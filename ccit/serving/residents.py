"""The versions in one model's memory: each keeps its slot until it is unloaded and its last answer has ended."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from ccit.models.adapter_bank import AdapterBank, Converted
from ccit.serving.decode_loop import DecodeLoop


@dataclass(eq=False, slots=True)
class Resident:
    """One version.

    Parameters
    ----------
    slot : int | None
        Of the bank; None for one without an adapter.
    digest : str
        Of its weights; empty for those of the base.
    answers : int
        Under way.
    """

    slot: int | None = None
    digest: str = ""
    answers: int = 0
    dropped: bool = False


class Residents:
    """Takes versions into slots and lets them go. `take_in` waits for the loop, so its thread must not call it.

    Parameters
    ----------
    bank : AdapterBank
        Only the loop's thread touches its slots.
    """

    def __init__(self, bank: AdapterBank, loop: DecodeLoop) -> None:
        self._bank, self._loop = bank, loop
        self._lock = threading.Lock()

    def take_in(self, files: Mapping[str, bytes] | None) -> Resident:
        """Convert an adapter here and copy it into a free slot between steps; None is the model without an adapter.

        Raises
        ------
        ModelUnusable
            The adapter is no LoRA, is not finite, or does not fit the model.
        RuntimeError
            There is no memory for it, mostly; whatever else a library raises. Its slot is free again.
        """
        resident = Resident()
        if files is None:
            return resident
        converted = self._bank.convert(files)
        resident.digest = hashlib.sha256(b"\0".join(files[name] for name in sorted(files))).hexdigest()
        with ExitStack() as failed:
            failed.callback(self.drop, resident)
            self._loop.work(self._install(resident, converted)).result()
            failed.pop_all()
        return resident

    def drop(self, resident: Resident) -> None:
        """Nobody begins with this version any more."""
        with self._lock:
            resident.dropped = True
            self._free_unused(resident)

    def begin(self, resident: Resident) -> None:
        """An answer of this version begins."""
        with self._lock:
            resident.answers += 1

    def end(self, resident: Resident) -> None:
        """It has left the batch. In the loop's thread."""
        with self._lock:
            resident.answers -= 1
            self._free_unused(resident)

    def _free_unused(self, resident: Resident) -> None:
        if resident.dropped and not resident.answers:
            self._loop.work(self._give_back(resident))

    def _install(self, resident: Resident, converted: Converted) -> Iterator[None]:
        resident.slot = self._bank.take()
        yield from self._bank.install(resident.slot, converted)

    def _give_back(self, resident: Resident) -> Iterator[None]:
        if resident.slot is not None:
            self._bank.give_back(resident.slot)
        yield from ()

"""Time of a swap: building a version's slot beside the active one, the flip, and what a decode under way feels.

    python -m benchmarks.swap [--hidden 128] [--layers 4] [--swaps 6]

The model is a Qwen2 with random weights. 24 layers have as many modules as Qwen2.5-0.5B, and modules are what a slot is
made of. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import tempfile
import threading
import time
from contextlib import aclosing
from pathlib import Path

import torch

from ccit.config import Training
from ccit.models.causal import adapter_files, load_causal, trainable
from ccit.ports.serving import BackendContext, Sampling
from ccit.serving.backends.embedded import EmbeddedBackend
from ccit.serving.slots import Slots
from ccit.testing import random_model

PAUSE_S = 0.5  # decoding between two swaps, to compare with


class Decoding:
    """A thread that answers without a pause, and when each token came."""

    def __init__(self, slots: Slots) -> None:
        self.stamps: list[float] = []
        self._slots = slots
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def gaps(self, windows: list[tuple[float, float]], inside: bool) -> list[float]:
        """Seconds between tokens that fall inside the windows, or outside of all."""
        return [
            late - early
            for early, late in zip(self.stamps, self.stamps[1:], strict=False)
            if any(early < end and late > begin for begin, end in windows) is inside
        ]

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._slots.lease() as version:
                asyncio.run(self._answer(version))

    async def _answer(self, version: int) -> None:
        async with aclosing(self._slots.backend.stream(version, [1, 2, 3], Sampling(200, temperature=0.0))) as deltas:
            async for _ in deltas:
                self.stamps.append(time.perf_counter())
                if self._stop.is_set():
                    return


def measure(hidden: int, layers: int, swaps: int) -> str:
    """One row of the table."""
    base = load_causal(str(random_model(Path(tempfile.mkdtemp()), hidden, layers)), device="cpu", threads=1)
    settings = Training()
    view = trainable(base, settings.rank, settings.alpha, 0.0, settings.target_modules, seed=0)
    files = adapter_files(view)
    slots = Slots(EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: base)), "ccit")
    slots.load(1, files)
    slots.activate(1)
    gc.collect()
    gc.freeze()  # as the server does at its start
    decoding = Decoding(slots)
    time.sleep(4 * PAUSE_S)
    loads, flips, windows = [], [], []
    for number in range(2, swaps + 2):
        begin = time.perf_counter()
        slots.load(number, files)
        loaded = time.perf_counter()
        slots.activate(number)
        end = time.perf_counter()
        loads.append(loaded - begin)
        flips.append(end - loaded)
        windows.append((begin, end))
        time.sleep(PAUSE_S)
    decoding.stop()
    gc.unfreeze()
    idle, busy = decoding.gaps(windows, inside=False), decoding.gaps(windows, inside=True)
    return (
        f"| {layers} x {hidden} | {1e3 * statistics.median(loads):.0f} | {1e6 * statistics.median(flips):.0f} | "
        f"{1e3 * statistics.median(idle):.2f} | {1e3 * statistics.median(busy):.2f} | {1e3 * max(busy):.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, nargs="*", default=[4, 24])
    parser.add_argument("--swaps", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| layers x width | load, ms | flip, us | token, ms | token during a load, ms | longest pause, ms |")
    print("|---|---|---|---|---|---|")
    for layers in options.layers:
        print(measure(options.hidden, layers, options.swaps), flush=True)


if __name__ == "__main__":
    main()

"""Time on a device, its own matrix rate, and lines of results that outlive the part which wrote them."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_SIDE = {"cuda": 8192, "cpu": 512}


@dataclass(frozen=True, slots=True)
class PartOptions:
    """What a part was asked for."""

    device: str
    samples: int
    out: Path

    @property
    def cuda(self) -> bool:
        return self.device != "cpu"


class Part:
    """Writes a line for each figure as soon as it is known.

    Parameters
    ----------
    name : str
        Of the part.
    """

    def __init__(self, name: str, asked: PartOptions) -> None:
        self._file = (asked.out / f"{name}.jsonl").open("a")
        self._name, self._asked = name, asked
        self.peak = matrix_rate(asked.device)
        self.line("bfloat16 matrix product, 8192" if asked.cuda else "matrix product, 512", self.peak / 1e12, "TFLOP/s")

    def line(self, what: str, value: float, unit: str, bar: str = "", **more: Any) -> None:
        """One figure, with its bar and whatever explains it."""
        found = {"part": self._name, "what": what, "value": value, "unit": unit, "bar": bar, **more}
        print(json.dumps(found), file=self._file, flush=True)
        print(f"{self._name}: {what}: {value:.4g} {unit} {more or ''}", flush=True)

    def attempt(self, work: Callable[[], None]) -> None:
        """One measurement; its failure is a line, and the others go on."""
        began = time.monotonic()
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whatever fails here must not cost the other measurements
            traceback.print_exc()
            why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            self.line(f"failed: {_name(work)}", float("nan"), "", why=why)
        print(f"{self._name}: {_name(work)} took {time.monotonic() - began:.1f} s", flush=True)
        if self._asked.cuda:
            torch.cuda.empty_cache()


def run_part(name: str, work: Callable[[Part, PartOptions], None]) -> None:
    """Wait for the turn (a line on the standard input), then measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    found = parser.parse_args()
    sys.stdin.readline()
    asked = PartOptions(found.device, found.samples, found.out)
    work(Part(name, asked), asked)


def wait(device: str) -> None:
    """Until the device has done everything."""
    if device != "cpu":
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: str, times: int = 1, warm: int = 1) -> float:
    """That `work` takes, the median of so many times after warming up."""
    found = []
    for number in range(warm + times):
        wait(device)
        began = time.perf_counter()
        work()
        wait(device)
        if number >= warm:
            found.append(time.perf_counter() - began)
    return statistics.median(found)


def matrix_rate(device: str) -> float:
    """FLOP/s of a square product, on a GPU in bfloat16, of random numbers."""
    kind = "cpu" if device == "cpu" else "cuda"
    side, dtype = _SIDE[kind], torch.bfloat16 if kind == "cuda" else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    repeats = 10

    def products() -> None:
        for _ in range(repeats):
            torch.matmul(left, right)

    return repeats * 2.0 * side**3 / seconds(products, device, times=3)


def profiled(work: Callable[[], object], name: str, asked: PartOptions) -> dict[str, float]:
    """Kernels launched, and milliseconds that the GPU and the host were busy; the table goes to a file."""
    if not asked.cuda:
        return {}
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as seen:
        began = time.perf_counter()
        work()
        launched = time.perf_counter() - began
        wait(asked.device)
    events = seen.key_averages()
    table = events.table(sort_by="self_cuda_time_total", row_limit=40, max_name_column_width=80)
    (asked.out / f"profile_{name}.txt").write_text(table, encoding="utf-8")
    kernels = [e for e in events if str(e.device_type).endswith("CUDA")]
    return {
        "kernels": float(sum(e.count for e in kernels)),
        "gpu_ms": sum(e.self_device_time_total for e in kernels) / 1e3,
        "host_ms": 1e3 * launched,
    }


def _name(work: Callable[[], None]) -> str:
    return str(getattr(work, "__name__", "a measurement"))

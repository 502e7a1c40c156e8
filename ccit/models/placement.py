"""Where a model lies and in which type of number: what `models.device` and `models.dtype` mean."""

from __future__ import annotations

import math
import os
import time
from functools import cache

import torch
import torch.nn.functional as F

from ccit.errors import ConfigError

# With AMX the gain is 4.8 to 6.3 from width 256 on, and scoring as a whole runs 2.2 (width 256) to 3.1 times as fast
# (512); with AVX512-BF16 alone it is about 2.6, without either below 1. So the bound lies in a gap, and every process
# of a machine finds the same type. A narrower model gains less than 1.7 times, and its products are short to time.
_NARROW, _WIDE = 256, 1024
_WORTH_IT = 3.0
_ROWS, _TRIALS = 512, 6


def device_of(name: str) -> torch.device:
    """`auto` is a GPU when there is one.

    Raises
    ------
    ConfigError
        No such device in this process.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"models.device must be auto, cpu, cuda or cuda:N, found {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"models.device is {name!r}, but torch finds no GPU; set it to auto or cpu")
    return device


def dtype_of(name: str, device: torch.device, width: int = 0) -> torch.dtype:
    """`auto` is bfloat16 on a GPU; on a CPU float32, unless matrix products of this width are far faster in bfloat16.

    Parameters
    ----------
    width : int
        Hidden size of the model; 0 where it is not known.

    Example
    -------
    >>> dtype_of("auto", device_of("cpu"))
    torch.float32
    """
    if name == "auto":
        half = device.type == "cuda" or (width >= _NARROW and bfloat16_gain(min(width, _WIDE)) >= _WORTH_IT)
        return torch.bfloat16 if half else torch.float32
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if name not in known:
        raise ConfigError(f"models.dtype must be auto, float32 or bfloat16, found {name!r}")
    return known[name]


@cache
@torch.inference_mode()
def bfloat16_gain(width: int) -> float:
    """How many times as fast as in float32 a matrix product runs in bfloat16 on this CPU; measured once per process.

    The shapes are those of a feed-forward layer of this width. The two types take turns, and the best of each counts,
    so that other work on the machine hardly shows. Takes 10 to 100 ms, much longer where bfloat16 is emulated.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(_ROWS, width, generator=generator)
    weights = torch.randn(4 * width, width, generator=generator)
    pairs = [(inputs.to(dtype), weights.to(dtype)) for dtype in (torch.float32, torch.bfloat16)]
    best = [math.inf, math.inf]
    for _ in range(_TRIALS):
        for kind, (left, right) in enumerate(pairs):
            start = time.perf_counter()
            F.linear(left, right)
            best[kind] = min(best[kind], time.perf_counter() - start)
    return best[0] / best[1]


def make_deterministic() -> None:
    """Let equal inputs give equal bits in this process, on a GPU too, or an error; call it before anything runs there.

    Not `warn_only`: with it the backward pass of fused attention stays non-deterministic on CUDA (flash and
    memory-efficient attention test for exactly that flag, and cuDNN's is left out only in the strict mode). `python -m
    benchmarks.gpu` tries it: on an H200 two processes, and one that was interrupted, gave the same bytes (2026-11-26).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it once, when CUDA starts
    torch.use_deterministic_algorithms(True)
    # The mode fills every new tensor, to show who reads what nobody wrote: a pass over memory for each, 4 % of a round.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a module in disguise

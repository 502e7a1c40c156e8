"""Where a model lies and in which type of number: what `models.device` and `models.dtype` mean."""

from __future__ import annotations

import os

import torch

from ccit.errors import ConfigError


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


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 on a GPU and float32 on a CPU.

    Example
    -------
    >>> dtype_of("auto", device_of("cpu"))
    torch.float32
    """
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if name not in known:
        raise ConfigError(f"models.dtype must be auto, float32 or bfloat16, found {name!r}")
    return known[name]


def make_deterministic() -> None:
    """Let equal inputs give equal bits in this process, on a GPU too, or an error; call it before anything runs there.

    Not `warn_only`: with it the backward pass of fused attention stays non-deterministic on CUDA (flash and
    memory-efficient attention test for exactly that flag, and cuDNN's is left out only in the strict mode). So torch
    2.15's own messages say; it was read there, not run: `python -m benchmarks.gpu` tries it where there is a GPU.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it once, when CUDA starts
    torch.use_deterministic_algorithms(True)

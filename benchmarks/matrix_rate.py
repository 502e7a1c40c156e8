"""The rate of a large product of matrices: what every other rate on a machine is a share of."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

SIDE = 2048
_TIMES = 8  # the best counts: other work on the machine only ever slows


def matrix_rate(
    dtype: torch.dtype, device: torch.device | None = None, clock: Callable[[], float] = time.perf_counter
) -> float:
    """FLOP/s of the product of two `SIDE` x `SIDE` matrices of random numbers.

    Parameters
    ----------
    device : torch.device, optional
        A CPU without it.
    clock : callable
        Seconds: `time.perf_counter`, or `time.process_time` where what is compared with it is CPU time.
    """
    left, right = (torch.randn(SIDE, SIDE).to(device or torch.device("cpu"), dtype) for _ in range(2))

    def seconds() -> float:
        start = clock()
        float((left @ right)[0, 0])  # waits for the device
        return clock() - start

    return 2.0 * SIDE**3 / min(seconds() for _ in range(_TIMES))

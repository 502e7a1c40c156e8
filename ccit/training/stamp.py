"""On what an adapter was trained, as a file that travels with it: what explains a rebuild that gives other bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch

from ccit.config import Training
from ccit.evaluation.stamp import libraries
from ccit.models.causal import CausalModel
from ccit.plugins import kind_of
from ccit.training.batch_record import BatchSizes

STAMP_FILE = "training_stamp.json"
_BEFORE = "batch_tokens_before"


def stamp_of(view: CausalModel, settings: Training, sizes: BatchSizes, role: str) -> bytes:
    """Device, number type and threads, as they were found; what a micro-batch held; versions of the libraries.

    JSON with sorted keys, no time and no path: equal circumstances give equal bytes.

    Parameters
    ----------
    role : str
        Of the adapter: `sizes` are those of both.
    """
    on_gpu = view.device.type == "cuda"
    said = {
        "device": torch.cuda.get_device_name(view.device)
        if on_gpu
        else f"cpu {torch.backends.cpu.get_cpu_capability()}",
        "dtype": str(view.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "batcher": kind_of(settings.batcher),
        "batch_tokens": sizes.tokens,
        "libraries": libraries(),
    }
    if before := sizes.before.get(role):
        said[_BEFORE] = before
    return (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()


def sizes_before(files: Mapping[str, bytes]) -> tuple[int, ...]:
    """Tokens that micro-batches of earlier steps may have had, as an adapter's stamp tells; empty where of none.

    Example
    -------
    >>> sizes_before({STAMP_FILE: b'{"batch_tokens": 256, "batch_tokens_before": [1024, 512]}'}), sizes_before({})
    ((1024, 512), ())
    """
    return tuple(json.loads(files.get(STAMP_FILE, b"{}")).get(_BEFORE, ()))

"""On what an adapter was trained, as a file that travels with it: what explains a rebuild that gives other bytes."""

from __future__ import annotations

import json

import torch

from ccit.config import Training
from ccit.evaluation.stamp import libraries
from ccit.models.causal import CausalModel
from ccit.plugins import kind_of

STAMP_FILE = "training_stamp.json"


def stamp_of(view: CausalModel, settings: Training, batch_tokens: int) -> bytes:
    """Device, number type and threads, as they were found; what a micro-batch held; versions of the libraries.

    JSON with sorted keys, no time and no path: equal circumstances give equal bytes.
    """
    on_gpu = view.device.type == "cuda"
    said = {
        "device": torch.cuda.get_device_name(view.device)
        if on_gpu
        else f"cpu {torch.backends.cpu.get_cpu_capability()}",
        "dtype": str(view.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "batcher": kind_of(settings.batcher),
        "batch_tokens": batch_tokens,
        "libraries": libraries(),
    }
    return (json.dumps(said, indent=2, sort_keys=True) + "\n").encode()

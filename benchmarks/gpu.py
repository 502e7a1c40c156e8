"""Whether a round gives the same bytes twice on this device, and what it takes: two fresh processes, one small round.

    python -m benchmarks.gpu [--model DIR] [--device auto] [--samples 48]

Exit code 0 where both pairs of adapters have the same digests, 1 where they differ. Without a model, a Qwen2 with
random weights and heads of 64 stands in: large enough for the fused attention kernels. Rehearsed on a CPU.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.models.placement import make_deterministic
from ccit.models.revision import revision_of
from ccit.records import Material, OffsetRange, Sample
from ccit.store.files import FileStore
from ccit.testing import random_model
from ccit.training.lora import LoraTrainer
from tests.nouns import a_round, version


def samples(count: int) -> tuple[Sample, ...]:
    """Rows of 60 to 450 tokens, so that micro-batches are padded."""
    return tuple(
        Sample(f"s{n}", f"r{n}", "ward", "en", f"What is {n}?", f"It is {'so ' * (n * 37 % 130)}{n}.")
        for n in range(count)
    )


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody watches."""


def train_once(model: str, device: str, count: int, root: str) -> dict[str, str | float]:
    """Run in a process of its own: the digests of both adapters, seconds, and the peak of GPU memory in MiB."""
    make_deterministic()
    config = Config.model_validate(
        {
            "models": {"deployed": model, "proxy": model, "device": device},
            "selection": {"checks": {"length": False}},
            "training": {"epochs": 1, "batch_tokens": 2048, "batch_size": 8, "max_tokens": 512, "dropout": 0.05},
            "store": {"root": root},
        }
    )
    material = Material(samples(count), ())
    revision = revision_of(model, "")
    base = replace(version(0), base_revision=revision, proxy_revision=revision)
    planned = a_round(0, tuple(s.sample_id for s in material.training), (OffsetRange(0, 0, count),))
    planned = replace(planned, base_revision=revision, proxy_revision=revision)
    start = time.monotonic()
    trainer = LoraTrainer(config.training, BaseModels(config.models), FileStore(Path(root)), Path(root) / "work")
    candidate = trainer.train(planned, material, base, quiet)
    cuda = torch.cuda.is_available() and device != "cpu"
    return {
        "deployed": candidate.adapters.deployed.files["adapter_model.safetensors"],
        "proxy": candidate.adapters.proxy.files["adapter_model.safetensors"],
        "seconds": time.monotonic() - start,
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20 if cuda else 0.0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--model", default="")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--samples", type=int, default=48)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        model = asked.model or str(random_model(Path(made) / "model", hidden=256, layers=4))
        runs = []
        for attempt in range(2):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                root = str(Path(made) / f"run{attempt}")
                runs.append(pool.apply(train_once, (model, asked.device, asked.samples, root)))
    same = all(runs[0][role] == runs[1][role] for role in ("deployed", "proxy"))
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"torch {torch.__version__}, {name}, {asked.samples} samples")
    for run in runs:
        print(f"{run['seconds']:.1f} s, peak {run['peak_mib']:.0f} MiB, {str(run['deployed'])[:16]}")
    print("the same bytes twice" if same else "DIFFERENT BYTES")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

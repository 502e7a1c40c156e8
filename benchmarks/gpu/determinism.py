"""Whether a round gives the same bytes again on this device: two fresh processes, and a third that is interrupted."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.gpu.measuring import Part, PartOptions
from benchmarks.gpu.shapes import saved
from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.models.placement import make_deterministic
from ccit.models.revision import revision_of
from ccit.records import Material, OffsetRange, Sample
from ccit.store.files import FileStore
from ccit.training.lora import LoraTrainer
from tests.nouns import a_round, version


def samples(count: int) -> tuple[Sample, ...]:
    """Rows of 60 to 450 tokens, so that micro-batches are padded."""
    return tuple(
        Sample(f"s{n}", f"r{n}", "ward", "en", f"What is {n}?", f"It is {'so ' * (n * 37 % 130)}{n}.")
        for n in range(count)
    )


class _Stopped(Exception):
    """As if the process had been killed."""


def train_once(model: str, device: str, count: int, root: str, batcher: str, stop_at: int) -> dict[str, str | float]:
    """Run in a process of its own: the digests of both adapters, seconds, and the peak of GPU memory in MiB.

    Parameters
    ----------
    stop_at : int
        The step of the deployed model's adapter after which the round is broken off once; 0 is never.
    """
    make_deterministic()
    config = Config.model_validate(
        {
            "models": {"deployed": model, "proxy": model, "device": device},
            "selection": {"checks": {"length": False}},
            "training": {
                **{"epochs": 1, "batch_tokens": 2048, "batch_size": 8, "max_tokens": 512, "checkpoint_steps": 2},
                "batcher": {"kind": batcher},
            },
            "store": {"root": root},
        }
    )
    material = Material(samples(count), ())
    revision = revision_of(model, "")
    base = replace(version(0), base_revision=revision, proxy_revision=revision)
    planned = a_round(0, tuple(s.sample_id for s in material.training), (OffsetRange(0, 0, count),))
    planned = replace(planned, base_revision=revision, proxy_revision=revision)

    def watch(stage: str, done: int, _: int) -> None:
        if done == stop_at and "deployed" in stage:
            raise _Stopped

    def quiet(stage: str, done: int, total: int) -> None:
        """Nobody watches."""

    start = time.monotonic()

    def trainer() -> LoraTrainer:
        return LoraTrainer(config.training, BaseModels(config.models), FileStore(Path(root)), Path(root) / "work")

    try:
        candidate = trainer().train(planned, material, base, watch if stop_at else quiet)
    except _Stopped:
        candidate = trainer().train(planned, material, base, quiet)
    cuda = torch.cuda.is_available() and device != "cpu"
    return {
        "deployed": candidate.adapters.deployed.files["adapter_model.safetensors"],
        "proxy": candidate.adapters.proxy.files["adapter_model.safetensors"],
        "seconds": time.monotonic() - start,
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20 if cuda else 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    found = parser.parse_args()
    asked = PartOptions(found.device, found.samples, found.out)
    count = min(48, asked.samples)
    with tempfile.TemporaryDirectory() as made:
        model = saved(Path(made) / "model")
        pools = [multiprocessing.get_context("spawn").Pool(1) for _ in range(3)]
        for ready in [pool.apply_async(make_deterministic) for pool in pools]:
            ready.get()
        sys.stdin.readline()
        part = Part("determinism", asked)

        def compare(batcher: str) -> None:
            runs = [
                pool.apply(train_once, (model, asked.device, count, f"{made}/{batcher}{n}", batcher, stop_at))
                for n, (pool, stop_at) in enumerate(zip(pools, (0, 0, 3), strict=True))
            ]
            for name, other in (("in another process", runs[1]), ("interrupted and resumed", runs[2])):
                same = all(runs[0][role] == other[role] for role in ("deployed", "proxy"))
                part.line(
                    f"{batcher}: the same bytes {name}",
                    float(same),
                    "",
                    "1",
                    digests=[str(run["deployed"])[:12] for run in runs],
                    peak_mib=runs[0]["peak_mib"],
                )

        for batcher in ("bucketed", "packed"):
            part.attempt(lambda batcher=batcher: compare(batcher))  # type: ignore[misc]  # the default binds it
        for pool in pools:
            pool.terminate()


if __name__ == "__main__":
    main()

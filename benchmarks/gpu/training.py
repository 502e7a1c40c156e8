"""A round's steps: tokens a second, and the share of the matrix rate at 4 N FLOPs a token, all as a round trains."""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.measuring import Part, PartOptions, profiled, run_part, wait
from benchmarks.gpu.shapes import Shape, samples, shape_of
from ccit.config import Models, Training
from ccit.models.bases import BaseModels, Role
from ccit.models.batch_choice import BatchChoice
from ccit.models.causal import CausalModel, trainable
from ccit.models.encoding import encode
from ccit.models.packing import pack_rows
from ccit.models.placement import make_deterministic
from ccit.plugins import build
from ccit.ports.training import Batcher, BatcherContext, Example
from ccit.records import Spend
from ccit.training.applied import AppliedMethods
from ccit.training.checkpoint import Checkpoint
from ccit.training.loop import AdapterTraining
from ccit.training.steps import plan_steps


class Alone(BaseModels):
    """One model in both roles."""

    def __init__(self, base: CausalModel) -> None:
        super().__init__(Models())
        self._base = base

    def of(self, role: Role) -> CausalModel:
        return self._base


def arm(part: Part, asked: PartOptions, shape: Shape, name: str, bar: str, limit: int, **options: Any) -> None:
    """Train `limit` steps after two that warm up."""
    base = shape.causal
    settings = Training.model_validate({"epochs": 100, "checkpoint_steps": 10**6, **options})
    examples = [Example(s, "training", encode(base.chat, s, settings.max_tokens)) for s in samples(asked.samples)]
    lengths = [len(example.row.fed) for example in examples]
    began = time.perf_counter()
    chosen = BatchChoice(settings, Alone(base)).tokens
    choosing_s = time.perf_counter() - began
    batcher: Batcher = build("batcher", settings.batcher, BatcherContext(chosen))
    steps = plan_steps(lengths, settings.epochs, settings.batch_size, batcher, seed=0)[: limit + 2]
    view = trainable(base, settings.rank, settings.alpha, settings.dropout, settings.target_modules, seed=0)
    if batcher.packs:
        pack_rows(view)
    training = AdapterTraining(view, examples, steps, AppliedMethods({}, {}), settings, settings.learning_rate, 0)
    marks: list[float] = []
    if asked.cuda:
        torch.cuda.reset_peak_memory_stats()

    def look(_done: int, _total: int) -> None:
        wait(asked.device)
        marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        training.run(Checkpoint(Path(folder) / "round.checkpoint"), look)
    fed = sum(lengths[i] for step in steps[2:-1] for batch in step for i in batch)  # the last one is written down too
    rate = fed / (marks[-2] - marks[1])
    batches = sum(len(step) for step in steps) / len(steps)
    memory = torch.cuda.max_memory_allocated() / 2**30 if asked.cuda else 0.0
    share = 100 * Spend.of_training(1, base.parameters).flops * rate / part.peak
    part.line(name, rate, "tokens/s", micro_batches=batches, peak_gib=round(memory, 1), tokens=chosen)
    if settings.batch_tokens == "auto":
        part.line(f"{name}, chosen in", choosing_s, "s")
    part.line(f"{name}, of the matrix rate", share, "%", bar)


def step_profile(part: Part, asked: PartOptions, shape: Shape) -> None:
    base = shape.causal
    view = trainable(base, 16, 32, 0.0, "all-linear", seed=0)
    pack_rows(view)
    rows = [encode(base.chat, s, 1024) for s in samples(min(asked.samples, 64))]

    from ccit.models.likelihood import response_losses

    def step() -> None:
        response_losses(view, rows).mean().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated

    step()
    part.line("a profile of one micro-batch", 0, "", "", **profiled(step, "training", asked))


def measure(part: Part, asked: PartOptions) -> None:
    make_deterministic()
    small = shape_of("0.5B", asked.device)
    packed: dict[str, Any] = {"batcher": {"kind": "packed"}}
    large_steps: dict[str, Any] = {**packed, "batch_size": 128}
    arms: list[tuple[str, str, int, dict[str, Any]]] = [
        ("0.5B, packed, 128 samples a step, 65,536 tokens", "30", 4, {**large_steps, "batch_tokens": 65536}),
        ("0.5B, packed, 128 samples a step, 32,768 tokens", "30", 4, {**large_steps, "batch_tokens": 32768}),
        ("0.5B, packed, 128 samples a step, auto", "30", 4, {**large_steps, "batch_tokens": "auto"}),
        ("0.5B, packed, 16 samples a step, 32,768 tokens", "", 6, {**packed, "batch_tokens": 32768}),
        ("0.5B, shipped settings", "", 3, {}),
    ]
    for name, bar, limit, options in arms:
        part.attempt(partial(arm, part, asked, small, name, bar, limit, **options))
    part.attempt(lambda: step_profile(part, asked, small))


def large(part: Part, asked: PartOptions) -> None:
    make_deterministic()
    shape = shape_of("14B", asked.device)
    options: dict[str, Any] = {"batcher": {"kind": "packed"}, "batch_size": 64}
    part.attempt(lambda: arm(part, asked, shape, "14B, packed, 5376 tokens", "45", 3, batch_tokens=5376, **options))
    part.attempt(lambda: arm(part, asked, shape, "14B, packed, auto", "45", 3, batch_tokens="auto", **options))
    part.attempt(lambda: arm(part, asked, shape, "14B, shipped settings", "", 3))


if __name__ == "__main__":
    which = sys.argv.pop(1)
    run_part(f"training_{which}", {"small": measure, "large": large}[which])

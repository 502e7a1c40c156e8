"""How fast a round trains on a CPU, beside TRL's SFTTrainer on the same rows and model, and beside the matrix rate.

    python -m benchmarks.training --model DIR --rows FILE.jsonl [--samples 96] [--seconds 20] [--trl PYTHON]

Tokens are those of the samples (padding is nobody's gain), after a first step, per second of CPU time of one thread: on
a machine that others use, seconds on the wall say how busy it was. `--trl` is an interpreter that has trl; its
arms run without gradient checkpointing, with chunked losses, padded by length or packed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.matrix_rate import matrix_rate
from ccit.config import Training
from ccit.ingest.files import samples_of
from ccit.models.causal import CausalModel, load_causal, trainable
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

_MAX_TOKENS, _BATCH = 1024, 8
_MAX_CHARACTERS = 1600  # of an answer, so that a step is seconds and an arm has several
_DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Measured:
    """What an arm did after its first step."""

    tokens: int
    cpu_s: float
    wall_s: float

    @property
    def rate(self) -> float:
        """Tokens per second of CPU time."""
        return self.tokens / self.cpu_s


class _Enough(Exception):
    """The arm has had its time."""


def ours(base: CausalModel, examples: Sequence[Example], kind: str, seconds: float) -> Measured:
    """Train as a round does, until the time is over."""
    settings = Training.model_validate(
        {"batcher": {"kind": kind}, "batch_size": _BATCH, "max_tokens": _MAX_TOKENS, "epochs": 50}
    )
    lengths = [len(example.row.fed) for example in examples]
    batcher: Batcher = build("batcher", settings.batcher, BatcherContext(int(settings.batch_tokens)))
    steps = plan_steps(lengths, settings.epochs, _BATCH, batcher, seed=0)
    view = trainable(base, settings.rank, settings.alpha, settings.dropout, settings.target_modules, seed=0)
    if batcher.packs:
        pack_rows(view)
    training = AdapterTraining(view, examples, steps, AppliedMethods({}, {}), settings, settings.learning_rate, 0)
    began: list[float] = []
    measured = Measured(0, 1.0, 1.0)

    def look(done: int, _: int) -> None:
        nonlocal measured
        now = [time.process_time(), time.monotonic()]
        if not began:
            began.extend(now)
            return
        tokens = sum(lengths[i] for step in steps[1:done] for batch in step for i in batch)
        measured = Measured(tokens, now[0] - began[0], now[1] - began[1])
        if measured.cpu_s >= seconds:
            raise _Enough

    with tempfile.TemporaryDirectory() as folder:
        try:
            training.run(Checkpoint(Path(folder) / "round.checkpoint"), look)
        except _Enough:
            return measured
    return measured


def trl(python: str, model: str, rows: Path, seconds: float, *arm: str) -> Measured:
    """One arm of `benchmarks/trl_sft.py`."""
    script = str(Path(__file__).parent / "trl_sft.py")
    done = subprocess.run(
        [python, script, str(rows), model, str(seconds), "1", *arm], check=True, capture_output=True, text=True
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def examples_of(base: CausalModel, path: str, count: int) -> list[Example]:
    """Rows with answers that are not too long, evenly drawn from the file."""
    found = [s for s in samples_of(Path(path), 2**20) if len(s.response) <= _MAX_CHARACTERS]
    chosen = found[:: max(1, len(found) // count)][:count]
    return [Example(sample, "training", encode(base.chat, sample, _MAX_TOKENS)) for sample in chosen]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--dtypes", nargs="*", default=_DTYPES)
    parser.add_argument("--trl", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    make_deterministic()
    print(f"torch {torch.__version__}, 1 thread, {asked.samples} rows, {asked.seconds:g} s of CPU time for each arm\n")
    print("| arm | tokens/s | TFLOP/s | of the matrix rate | wall / CPU |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        for dtype in asked.dtypes:
            peak = matrix_rate(getattr(torch, dtype), clock=time.process_time)
            base = load_causal(asked.model, device="cpu", dtype=dtype)
            examples = examples_of(base, asked.rows, asked.samples)
            _write(rows, examples)
            for name, arm in arms(base, examples, rows, asked).items():
                done = arm()
                flops = Spend.of_training(1, base.parameters).flops * done.rate
                print(
                    f"| {dtype}, {name} | {done.rate:.0f} | {flops / 1e12:.3f} | {flops / peak:.1%} of "
                    f"{peak / 1e12:.2f} | {done.wall_s / done.cpu_s:.2f} |",
                    flush=True,
                )
    return 0


def arms(
    base: CausalModel, examples: Sequence[Example], rows: Path, asked: argparse.Namespace
) -> dict[str, Callable[[], Measured]]:
    """Everything that is measured in one number type, by name."""
    found: dict[str, Callable[[], Measured]] = {}  # those in processes of their own first: memory stays with this one
    dtype = str(base.dtype).removeprefix("torch.")
    for name, packed in (("TRL padded", "0"), ("TRL packed", "1")) if asked.trl else ():
        run = partial(trl, asked.trl, asked.model, rows, asked.seconds, packed)
        found[name] = partial(run, dtype, "0")
        if dtype == "bfloat16":
            found[f"{name}, autocast"] = partial(run, "float32", "1")
    for kind in ("bucketed", "packed"):
        found[f"ccit {kind}"] = partial(ours, base, examples, kind, asked.seconds)
    return found


def _write(path: Path, examples: Sequence[Example]) -> None:
    rows = [
        {
            "input_ids": list(e.row.ids),
            "completion_mask": [int(n >= e.row.prompt_length) for n in range(len(e.row.ids))],
        }
        for e in examples
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

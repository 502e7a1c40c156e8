"""The losses of a tiny round, step by step, to notice a change of targets, order, normalisation, schedule or optimiser.

Without dropout: torch draws it in another way on an Intel CPU than on an AMD one. Closeness, not bits: eight steps on
other micro-batches (the same sums in another order) moved no loss by more than 2e-7 of itself.

After a change that is meant: `python tests/golden/test_loss_curve.py`
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from ccit.config import Training
from ccit.models.causal import load_causal, trainable
from ccit.models.encoding import encode
from ccit.models.packing import pack_rows
from ccit.plugins import build, plugins
from ccit.ports.training import Batcher, BatcherContext, Example
from ccit.records import Sample, Turn
from ccit.testing import random_model
from ccit.training.applied import AppliedMethods
from ccit.training.checkpoint import Checkpoint
from ccit.training.loop import AdapterTraining
from ccit.training.steps import plan_steps

GOLDEN = Path(__file__).with_name("loss_curve.json")
SETTINGS = Training(
    rank=4, alpha=8, dropout=0.0, epochs=2, batch_size=4, batch_tokens=256, max_tokens=160, warmup_share=0.25
)
ANSWERS = [f"{'About ' * (n % 4)}{n} days. 多喝水。"[: 8 + 5 * n] for n in range(14)]
HISTORY = (Turn("Hello", "Good morning."),)
SAMPLES = [
    Sample(f"s{n}", f"r{n}", "ward", "en", f"How long is stay {n}?", answer, HISTORY * (n % 2))
    for n, answer in enumerate(ANSWERS)
]


def compute(
    folder: Path, batch_tokens: int = int(SETTINGS.batch_tokens), batcher_kind: str = "bucketed", dtype: str = "float32"
) -> list[float]:
    base = load_causal(str(random_model(folder / "model")), device="cpu", dtype=dtype, threads=1)
    view = trainable(base, SETTINGS.rank, SETTINGS.alpha, 0.0, SETTINGS.target_modules, seed=1)
    examples = [Example(s, "training", encode(view.chat, s, SETTINGS.max_tokens)) for s in SAMPLES]
    batcher: Batcher = build("batcher", plugins("batcher")[batcher_kind].settings(), BatcherContext(batch_tokens))
    lengths = [len(example.row.fed) for example in examples]
    steps = plan_steps(lengths, SETTINGS.epochs, SETTINGS.batch_size, batcher, seed=5)
    if batcher.packs:
        pack_rows(view)
    checkpoint = Checkpoint(folder / "checkpoint")
    AdapterTraining(view, examples, steps, AppliedMethods({}, {}), SETTINGS, 0.01, seed=2).run(checkpoint, quiet)
    state = checkpoint.load()
    assert state is not None
    return [round(loss, 6) for loss in state.losses]


def quiet(done: int, total: int) -> None:
    pass


@pytest.mark.parametrize("batch_tokens", [64, SETTINGS.batch_tokens, 4096])
def test_the_loss_curve_is_the_golden_one_in_micro_batches_of_any_size(tmp_path: Path, batch_tokens: int) -> None:
    assert compute(tmp_path, batch_tokens) == pytest.approx(json.loads(GOLDEN.read_text("utf-8")), rel=1e-4)


def test_packed_it_is_the_same_curve(tmp_path: Path) -> None:
    assert compute(tmp_path, 4096, "packed") == pytest.approx(json.loads(GOLDEN.read_text("utf-8")), rel=1e-4)


@pytest.mark.parametrize("kind", ["bucketed", "packed"])
def test_in_bfloat16_it_stays_within_a_hundredth_of_the_curve(tmp_path: Path, kind: str) -> None:
    """A number of it is wrong by up to 1 part in 256; a loss is a mean over some hundred tokens."""
    found = compute(tmp_path, 4096, kind, "bfloat16")
    assert found == pytest.approx(json.loads(GOLDEN.read_text("utf-8")), rel=1e-2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        GOLDEN.write_text(json.dumps(compute(Path(made))) + "\n", encoding="utf-8")

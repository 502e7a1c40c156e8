"""Which proxy agrees best with a real model, and at what cost: itself, or a copy with fewer of its layers.

    python -m benchmarks.proxies ROWS.jsonl [--rows 150] [--distil 40]

SmolLM2-135M-Instruct scores rows spread over the file, and so does each copy. Agreement is what the proxy audit
measures: rank correlation (Spearman) of their IFDs with the model's own, and overlap of the top thirds. The cost is the
FLOPs of a token beside the model's, and the time.
With `--distil`, copies with 20 and 10 layers are also trained for so many steps to predict as the model does
(Kullback-Leibler divergence over the answer's tokens, on rows that are not scored).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from ccit.cli.models import fetched_models
from ccit.ingest.files import samples_of
from ccit.models.causal import CausalModel, load_causal
from ccit.models.encoding import encode
from ccit.models.fetching import fetch
from ccit.models.fewer_layers import fewer_layers, layers_to_keep
from ccit.records import Sample
from ccit.scoring.concordance import concordance
from ccit.scoring.ifd import IfdScorer
from ccit.store.files import FileStore

COUNTS = (28, 25, 20, 10)
DISTILLED = (20, 10)
BATCH = 8  # rows of a distillation step
RATE = 5e-4
MAX_BYTES = 1_000_000

Values = npt.NDArray[np.float64]


def ifds(proxy: CausalModel, samples: Sequence[Sample], tokens: int) -> tuple[Values, float]:
    """IFD of each sample, and seconds of processor time: other processes do not count."""
    scorer = IfdScorer(proxy, "", FileStore(Path(tempfile.mkdtemp())), tokens, 1024)
    began = time.process_time()
    scores = scorer.score(samples)
    seconds = time.process_time() - began
    return np.array([np.nan if own[0].value is None else own[0].value for own in scores]), seconds


def cells(found: Values, reference: Values) -> str:
    """What the proxy audit would say of a proxy that scored so (`ccit/scoring/concordance.py`)."""
    both = concordance(0, zip(found.tolist(), reference.tolist(), strict=True))
    return f"{both.correlation:.3f} ({both.low:.3f} to {both.high:.3f}) | {both.overlap:.0%}"


def distil(student: CausalModel, teacher: CausalModel, samples: Sequence[Sample], steps: int, tokens: int) -> None:
    """Train all weights of the student's blocks, in place."""
    blocks: Any = student.model.get_decoder().layers
    weights = [weight.requires_grad_() for weight in blocks.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=RATE, betas=(0.9, 0.98))
    rows = islice(_batches(samples), steps)
    for number, batch in enumerate(rows):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (number + 1) / 5) * (1 - number / (steps + 1))
        for sample in batch:
            row = encode(teacher.chat, sample, tokens)
            ids = torch.tensor([row.ids])
            with torch.inference_mode():
                wanted = teacher.model(ids).logits[0, row.prompt_length - 1 : -1].log_softmax(-1)
            found = student.model(ids).logits[0, row.prompt_length - 1 : -1].log_softmax(-1)
            loss = F.kl_div(found, wanted.clone(), log_target=True, reduction="batchmean") / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _batches(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    while True:
        for start in range(0, len(samples) - BATCH, BATCH):
            yield samples[start : start + BATCH]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--tokens", type=int, default=192, help="the proxy's window")
    parser.add_argument("--distil", type=int, default=0, help="steps of distillation")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    everything = samples_of(options.file, MAX_BYTES)
    step = max(2, len(everything) // options.rows)
    scored = everything[::step][: options.rows]
    others = everything[1::step]
    folder = fetch("smollm2", fetched_models(), lambda *_: None)
    whole = load_causal(str(folder), device="cpu")
    reference, seconds = ifds(whole, scored, options.tokens)
    print(f"{len(scored)} rows of {options.file.name}, {options.tokens} tokens at most, one thread\n")
    print("| proxy | rank correlation of IFD | overlap of top thirds | FLOPs per token | processor time | median IFD |")
    print("|---|---|---|---|---|---|")
    print(f"| itself, 30 layers | 1.000 | 100% | 100% | {seconds:.0f} s | {np.median(reference):.2f} |", flush=True)
    plans = [(count, 0) for count in COUNTS] + [(count, options.distil) for count in DISTILLED if options.distil]
    with tempfile.TemporaryDirectory() as cache:
        for count, steps in plans:
            proxy = load_causal(str(fewer_layers(folder, layers_to_keep(folder, count), Path(cache))), device="cpu")
            if steps:
                began = time.process_time()
                distil(proxy, whole, others, steps, options.tokens)
                sys.stderr.write(f"distilled in {time.process_time() - began:.0f} s of processor time\n")
            found, seconds = ifds(proxy, scored, options.tokens)
            name = f"{count} layers" + (f", {steps} steps of distillation" if steps else "")
            print(
                f"| {name} | {cells(found, reference)} | {proxy.parameters / whole.parameters:.0%} | "
                f"{seconds:.0f} s | {np.median(found):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

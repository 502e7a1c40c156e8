"""What the size of a micro-batch is worth on a CPU, and what one keeps in memory beside what is estimated of it.

    python -m benchmarks.micro_batches --model DIR [--dtype bfloat16] [--tokens 8192] [--passes 2] [--recompute]

One step's rows, packed, are trained on in micro-batches of at most 512, 1024, ... tokens: forward and backward
passes, one thread, tokens of the samples per second of CPU time. Sizes take turns. Kept bytes are those of all tensors
that the graph of one micro-batch holds for its backward pass, weights left out.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from functools import partial

import torch

from ccit.models.batch_choice import estimate
from ccit.models.bucketing import bins
from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.encoding import Encoded
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.models.likelihood import response_losses
from ccit.models.packing import pack_rows
from ccit.models.placement import make_deterministic

_SIZES = (512, 1024, 2048, 4096, 8192)
_LONGEST = 2048


def rows_of(tokens: int, median: int, words: int) -> list[Encoded]:
    """About so many tokens: random words, answers of about three quarters, lengths log-normal around the median."""
    draw, rows, left = random.Random(0), list[Encoded](), tokens
    while left > 8:
        length = min(left, 500, max(8, round(draw.lognormvariate(0.0, 0.5) * median)))
        rows.append(Encoded(tuple(draw.randrange(words) for _ in range(length + 1)), max(1, length // 4)))
        left -= length
    return rows


def step(view: CausalModel, batches: Sequence[Sequence[Encoded]]) -> float:
    """Seconds of CPU time of the passes of one step."""
    start = time.process_time()
    for batch in batches:
        response_losses(view, batch).sum().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
    taken = time.process_time() - start
    view.model.zero_grad(set_to_none=True)
    return taken


def kept_bytes(view: CausalModel, batch: Sequence[Encoded]) -> int:
    """Of what the graph of a micro-batch holds."""
    own = {weight.untyped_storage().data_ptr() for weight in view.model.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}  # held until the end: an address is used anew

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        response_losses(view, batch).sum()
    return sum(size for size, _ in kept.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--model", required=True)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--median", type=int, default=200)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--recompute", action="store_true", help="with gradient checkpointing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    make_deterministic()
    base = load_causal(asked.model, device="cpu", dtype=asked.dtype)
    view = trainable(base, asked.rank, 2 * asked.rank, 0.0, "all-linear", seed=0)
    pack_rows(view)
    if asked.recompute:
        recompute_blocks(view)
    rows = rows_of(asked.tokens, asked.median, base.head.words)
    lengths = [len(row.fed) for row in rows]
    steps = {size: [[rows[i] for i in batch] for batch in bins(lengths, size)] for size in _SIZES}
    step(view, steps[512][:1])
    seconds = {size: [0.0] * asked.passes for size in _SIZES}
    for number in range(asked.passes):
        for size in _SIZES if number % 2 == 0 else reversed(_SIZES):
            seconds[size][number] = step(view, steps[size])
    print(
        f"torch {torch.__version__}, 1 thread, {base.name}, {base.dtype}, {len(rows)} rows of {sum(lengths)} tokens\n"
    )
    print("| tokens a micro-batch | micro-batches | tokens/s, each pass |\n|---|---|---|")
    for size, taken in seconds.items():
        print(f"| {size} | {len(steps[size])} | {', '.join(f'{sum(lengths) / s:.0f}' for s in taken)} |")
    small, large = steps[512][0], steps[1024][0]
    held = [(sum(len(row.fed) for row in batch), kept_bytes(view, batch)) for batch in (small, large)]
    expected = partial(estimate, base, asked.rank, recomputed=asked.recompute)
    print(
        f"\nkept: {', '.join(f'{size / tokens / 1e3:.0f} kB a token of {tokens}' for tokens, size in held)}; "
        f"estimated: {expected(max(lengths)).per_token / 1e3:.0f} kB with rows of {max(lengths)} tokens, "
        f"{expected(_LONGEST).per_token / 1e3:.0f} kB with the longest"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

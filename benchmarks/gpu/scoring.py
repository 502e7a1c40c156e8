"""Scoring: tokens a second, the share of the matrix rate, the ratio to one sequence at a time, and closeness."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.gpu.measuring import Part, PartOptions, profiled, run_part, seconds
from benchmarks.gpu.shapes import Shape, adapter, samples, shape_of
from ccit.models.causal import CausalModel, with_adapter
from ccit.models.encoding import Encoded, encode
from ccit.models.likelihood import Failure, Likelihood
from ccit.models.packing import packs
from ccit.scoring.ifd import IfdScorer
from ccit.store.files import FileStore

_WINDOW = 2048


def pairs(causal: CausalModel, count: int) -> list[Encoded]:
    """What IFD scores: each answer after its prompt, and after the anchor alone."""
    rows = [encode(causal.chat, sample, _WINDOW) for sample in samples(count)]
    anchor = tuple(causal.chat.anchor)
    return [one for row in rows for one in (row, Encoded((*anchor, *row.ids[row.prompt_length :]), len(anchor)))]


@torch.no_grad()
def plain(causal: CausalModel, rows: list[Encoded]) -> list[float]:
    """One sequence at a time, whole logits: what reference code does."""
    found = []
    for row in rows:
        ids = torch.tensor([row.ids], device=causal.device)
        logits = causal.model(input_ids=ids).logits[0, row.prompt_length - 1 : -1].float()
        found.append(F.cross_entropy(logits, ids[0, row.prompt_length :]).item())
    return found


def measure(part: Part, asked: PartOptions) -> None:
    shape = shape_of("0.5B", asked.device)
    causal = shape.causal
    rows = pairs(causal, asked.samples)
    few = rows[: min(len(rows), 64)]

    def one_at_a_time() -> None:
        fed = sum(len(row.fed) for row in few)
        part.line("one at a time, 0.5B", fed / seconds(lambda: plain(causal, few), asked.device), "tokens/s")

    def closeness() -> None:
        reference = plain(causal, few)
        for packed in (False, True):
            likelihood = Likelihood(causal, 8192, packed=packed, lasting=packed)
            found = likelihood.losses(few)
            gaps = [
                float("nan") if isinstance(one, Failure) else abs(float(one.mean()) - other) / other
                for one, other in zip(found, reference, strict=True)
            ]
            name = "packed" if packed else "padded"
            part.line(f"{name}: rows lie one behind the other", float(packs(likelihood.causal)), "")
            part.line(f"{name} against one at a time, largest relative difference", max(gaps), "", "0.02")

    def batches() -> None:
        for budget in (8192, 65536):
            speed(part, asked, shape, causal, rows, budget, "0.5B")

    def adapted() -> None:
        view = with_adapter(causal, adapter(shape, seed=1))
        speed(part, asked, shape, view, rows, 65536, "0.5B with an adapter")

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            scorer = IfdScorer(causal, "", FileStore(Path(folder)), _WINDOW, 65536)
            asked_for = samples(asked.samples)
            taken = seconds(lambda: scorer.score(asked_for), asked.device)
            fed = scorer.spent.tokens / 2  # warmed up by one pass over them
            part.line("IFD from text to score, 0.5B", fed / taken, "tokens/s", samples_per_s=len(asked_for) / taken)

    def kernels() -> None:
        likelihood = Likelihood(causal, 32768, lasting=True)
        batch = rows[: max(1, len(rows) // 4)]
        likelihood.losses(batch)
        part.line("a profile of one pass", 0, "", "", **profiled(lambda: likelihood.losses(batch), "scoring", asked))

    for work in (closeness, one_at_a_time, batches, adapted, whole, kernels):
        part.attempt(work)


def large(part: Part, asked: PartOptions) -> None:
    shape = shape_of("14B", asked.device)
    rows = pairs(shape.causal, max(8, asked.samples // 8))
    part.attempt(lambda: speed(part, asked, shape, shape.causal, rows, 16384, "14B"))


def speed(
    part: Part, asked: PartOptions, shape: Shape, causal: CausalModel, rows: list[Encoded], budget: int, name: str
) -> None:
    began = time.perf_counter()
    likelihood = Likelihood(causal, budget, lasting=True)
    likelihood.losses(rows[:8])
    ready = time.perf_counter() - began
    taken = seconds(lambda: likelihood.losses(rows), asked.device)
    rate = shape.forward_flops(rows) / taken
    fed = sum(len(row.fed) for row in rows)
    part.line(f"{name}, {budget} tokens a pass", fed / taken, "tokens/s", tflops=rate / 1e12, ready_s=ready)
    part.line(f"{name}, {budget} tokens a pass, of the matrix rate", 100 * rate / part.peak, "%", "50")


def both(part: Part, asked: PartOptions) -> None:
    measure(part, asked)
    large(part, asked)


if __name__ == "__main__":
    run_part("scoring", both)

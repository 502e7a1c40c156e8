"""Steps of a batch: when each ended, what mixed versions cost them, and generation without a batch to compare with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

import torch

from ccit.models.adapter_bank import AdapterBank
from ccit.models.causal import CausalModel
from ccit.models.decoding import Batch, Pass, Row, likeliest

ROWS = 16


class PassTimes:
    """When each pass ended (`time.time`), how long it took and its widest row, by wrapping the batch's passes."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, int]] = []
        real, seen = Batch.run, self.seen

        def run(self: Batch, step: Pass) -> tuple[list[Row], torch.Tensor]:
            began = time.perf_counter()
            found = real(self, step)
            if self.causal.device.type == "cuda":
                torch.cuda.current_stream().synchronize()
            seen.append((time.time(), time.perf_counter() - began, max(step.sizes)))
            return found

        self._real = real
        Batch.run = run  # type: ignore[method-assign]  # a measurement

    def end(self) -> None:
        Batch.run = self._real  # type: ignore[method-assign]  # a measurement


class MixedVersions:
    """Steps of 16 rows of one version, or of two."""

    def __init__(self, base: CausalModel, files: Sequence[Mapping[str, bytes]]) -> None:
        bank = AdapterBank(base)
        self._batch = Batch(bank, 512, positions=ROWS * 256)
        self._slots = [bank.take() for _ in range(2)]
        for slot, one in zip(self._slots, files, strict=False):
            list(bank.install(slot, bank.convert(one)))

    def seconds(self, turns: int = 4, steps: int = 60, warm: int = 5) -> tuple[float, float]:
        """Medians of a step with one version and with two; they take turns, so that other work shows in both."""
        taken: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(turns):
            for versions in (1, 2):
                self.join(versions)
                for number in range(steps):
                    began = time.perf_counter()
                    self.step()
                    if number >= warm:
                        taken[versions].append(time.perf_counter() - began)
                for row in list(self._batch.rows):
                    self._batch.leave(row)
        return statistics.median(taken[1]), statistics.median(taken[2])

    def join(self, versions: int) -> None:
        for number in range(ROWS):
            self._batch.join([number + 3, 5, 7], 200, self._slots[number % versions], number)

    def step(self) -> None:
        for step in self._batch.passes():
            ready, logits = self._batch.run(step)
            for row, token in zip(ready, likeliest(logits), strict=True):
                row.append(token or 0)


def generate(causal: CausalModel, prompt: Sequence[int], tokens: int) -> None:
    """So many tokens by transformers, greedily, one prompt alone."""
    ids = torch.tensor([list(prompt)], device=causal.device)
    causal.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=0,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """By rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

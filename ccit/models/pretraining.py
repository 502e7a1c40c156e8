"""Pre-training of a small causal language model, deterministic by seed.

Rows are batched by length rather than packed: rows are short and of similar length, so padding costs a few per cent, no
row sees its neighbour, and every row starts at position 0 as it does when the model is used.

Shapes: B rows in a batch, T tokens in its longest row, V tokens in the vocabulary.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

from ccit.models.optimisation import Optimisation, OptimisationSettings

_FLOOR = 0.05  # of the peak rate
_BETAS = (0.9, 0.98)  # the second moment forgets sooner than AdamW's 0.999: the loss of a new model falls fast
IGNORED = -100  # the label of a position that carries no loss, torch's convention


@dataclass(frozen=True)
class TokenizedRow:
    """One text as token ids, and how many of the first ones are prompt."""

    ids: tuple[int, ...]
    prompt_length: int


@dataclass(frozen=True)
class PretrainingSchedule:
    """How a pre-training run learns.

    `peak_lr` is reached after `warmup` (share of the steps) and falls along a cosine to `_FLOOR`. `prompt_weight` is
    the loss weight of prompt tokens beside 1 for answer tokens: questions are learned too, but answers matter.
    """

    batch_tokens: int = 512
    peak_lr: float = 2e-3
    warmup: float = 0.04
    weight_decay: float = 0.05
    clip: float = 1.0
    prompt_weight: float = 0.2


def batches(rows: Sequence[TokenizedRow], batch_tokens: int, rng: random.Random) -> list[list[TokenizedRow]]:
    """Group rows of similar length into batches of about `batch_tokens` tokens, padding included, in random order."""
    shuffled = rng.sample(list(rows), len(rows))
    grouped: list[list[TokenizedRow]] = []
    for start in range(0, len(shuffled), 2048):  # sorted in stretches: a batch mixes rows of one stretch only
        batch: list[TokenizedRow] = []
        for row in sorted(shuffled[start : start + 2048], key=lambda r: len(r.ids)):
            if batch and len(row.ids) * (len(batch) + 1) > batch_tokens:
                grouped.append(batch)
                batch = []
            batch.append(row)
        if batch:
            grouped.append(batch)
    rng.shuffle(grouped)
    return grouped


def _tensors(batch: list[TokenizedRow], pad: int, weight: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give token ids, labels and loss weights, (B, T) each."""
    longest = max(len(row.ids) for row in batch)
    ids = torch.full((len(batch), longest), pad)
    labels = torch.full((len(batch), longest), IGNORED)
    weights = torch.zeros((len(batch), longest))
    for i, row in enumerate(batch):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        labels[i, : len(row.ids)] = ids[i, : len(row.ids)]
        weights[i, : len(row.ids)] = 1.0
        weights[i, : row.prompt_length] = weight
    return ids, labels, weights


def bfloat16_pays(device: torch.device) -> bool:
    """Tell whether this device multiplies bfloat16 natively: 1.3 to 1.5 times the speed here on a CPU with AVX512-BF16.

    Read from the processor, not timed: a timing under load would make the same seed give other weights.
    """
    return device.type != "cpu" or any(torch.cpu.get_capabilities().get(k) for k in ("avx512_bf16", "amx_bf16"))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread on a CPU: products this small gain little from a second, and a busy machine stalls both.

    It also makes the result independent of the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _loss(model: PreTrainedModel, tensors: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    ids, labels, weights = tensors
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()  # (B, T - 1, V)
    losses = F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="none")
    flat = weights[:, 1:].flatten()
    total: torch.Tensor = (losses * flat).sum() / flat.sum()
    return total, total


@_one_thread()
def pretrain(
    model: PreTrainedModel,
    rows: Sequence[TokenizedRow],
    schedule: PretrainingSchedule,
    *,
    pad: int,
    seed: int,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> float:
    """Train every weight of `model` in place on one pass over `rows`.

    Parameters
    ----------
    model : PreTrainedModel
        A causal language model in float32; it is left on the CPU in evaluation mode.
    rows : sequence of TokenizedRow
        One epoch is made over them.
    progress : callable
        Called with steps done and steps in all.

    Returns
    -------
    float
        Mean loss over the last tenth of the steps, in nats per answer token (prompt tokens weighted down).
    """
    plan = batches(rows, schedule.batch_tokens, random.Random(seed))
    # On a CPU the backward pass of fused attention over such short rows took 38% of the time; written out it takes 3%.
    model.set_attn_implementation("eager")
    torch.nn.Module.to(model, device).train()
    settings = OptimisationSettings(
        schedule.peak_lr,
        schedule.warmup,
        schedule.clip,
        floor=_FLOOR,
        weight_decay=schedule.weight_decay,
        betas=_BETAS,
        half=bfloat16_pays(device),
    )
    optimisation = Optimisation(
        model.name_or_path or "the new model", dict(model.named_parameters()), settings, len(plan)
    )
    last: list[float] = []
    for step, tensors in enumerate(_on(device, plan, pad, schedule.prompt_weight)):
        loss = optimisation.step(step, [partial(_loss, model, tensors)])
        if step >= 0.9 * len(plan):
            last.append(loss)
        progress(step + 1, len(plan))
    torch.nn.Module.to(model, "cpu").train(mode=False)
    return sum(last) / len(last)


def _on(
    device: torch.device, plan: list[list[TokenizedRow]], pad: int, weight: float
) -> Iterator[tuple[torch.Tensor, ...]]:
    for batch in plan:
        yield tuple(t.to(device, non_blocking=True) for t in _tensors(batch, pad, weight))

"""`auto` of `training.batch_tokens` and `training.gradient_checkpointing`, from the models and their device's memory.

On a GPU the larger the faster: two small steps are measured, and the choice is the largest whose memory, on the line
through the two, stays within a share of the device's. On a CPU a size that runs well is known, and the memory, as the
shape of the model lets expect it, is only a bound. A choice is made once in a process; the tokens are both models', for
a round announces one number, gradient checkpointing is each one's own. Models and random state are left as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol

import torch

from ccit.config import Training
from ccit.models.bases import BaseModels, Role
from ccit.models.causal import CausalModel, trainable
from ccit.models.encoding import Encoded
from ccit.models.faults import library_faults
from ccit.models.free_memory import free_memory
from ccit.models.gradient_checkpointing import blocks_of, recomputable, recompute_blocks
from ccit.models.likelihood import losses_at, most_logit_bytes
from ccit.models.packing import batch_states, kept_attention, pack_rows
from ccit.models.step_memory import StepMemory, fitting_tokens
from ccit.models.targets import linear_layers
from ccit.plugins import build
from ccit.ports.training import Batcher, BatcherContext

# Of passes over SmolLM2 and over the demo's model on a CPU: benchmarks/RESULTS.md, "The size of a micro-batch".
CPU_TOKENS = 4096
_CPU_SHARE = 0.5  # of the memory that is free now: other processes live on the same
_MEASURED_ROWS = 1, 3
_MEASURED_SHARE = 8  # a measured row is at most that part of what is expected to fit
_LONGEST_ROW = 1024  # tokens: more would take seconds and show nothing new
_SHORTEST_ROW = 16


class Meter(Protocol):
    """Reads a device's memory, in bytes."""

    def available(self) -> int:
        """What this process may use, with what it holds."""

    def peak(self, step: Callable[[], None]) -> int:
        """The most that this process held at once while a step ran."""


class CudaMeter:
    """Of a GPU: what is free, and what torch holds of it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def available(self) -> int:
        """Free memory, and what torch has reserved."""
        free, _ = torch.cuda.mem_get_info(self._device)
        return free + torch.cuda.memory_reserved(self._device)

    def peak(self, step: Callable[[], None]) -> int:
        """Of tensors; what is cached beside them is not counted."""
        torch.cuda.reset_peak_memory_stats(self._device)
        step()
        return torch.cuda.max_memory_allocated(self._device)


@dataclass(frozen=True, slots=True)
class _Fit:
    """What fits of one model: tokens of a micro-batch, and whether its blocks' values are computed twice for it."""

    tokens: int
    recomputed: bool


class BatchChoice:
    """Tokens of a micro-batch, and gradient checkpointing: as configured, or chosen when they are first asked for.

    Parameters
    ----------
    meter : Meter | None
        Of the models' device; None is the GPU's own where they lie on one. A CPU's needs none.
    """

    def __init__(self, settings: Training, bases: BaseModels, meter: Meter | None = None) -> None:
        self._settings = settings
        self._bases = bases
        self._meter = meter

    @property
    def tokens(self) -> int:
        """At most so many in a micro-batch of either model.

        Raises
        ------
        ConfigError, ModelUnusable
            The settings do not fit a model, or it cannot be loaded.
        TrainingFailed, MemoryExhausted
            A library failed.
        """
        asked = self._settings.batch_tokens
        return asked if asked != "auto" else min(fit.tokens for fit in self._fits.values())

    def recomputes(self, role: Role) -> bool:
        """Whether this model's blocks compute their inner values again for the backward pass. Raises as `tokens`."""
        asked = self._settings.gradient_checkpointing
        return asked if asked != "auto" else self._fits[role].recomputed

    @cached_property
    def _fits(self) -> Mapping[Role, _Fit]:
        with library_faults("the choice of the micro-batches' size"):
            roles: tuple[Role, ...] = ("deployed", "proxy")
            models = {role: self._bases.of(role) for role in roles}  # both are there while one is trained
            device = models["deployed"].device
            meter = self._meter or (CudaMeter(device) if device.type == "cuda" else None)
            held = sum(weight.nbytes for model in models.values() for weight in model.model.parameters())
            return {role: self._fit(model, meter, held) for role, model in models.items()}

    def _fit(self, base: CausalModel, meter: Meter | None, held: int) -> _Fit:
        settings = self._settings
        most = settings.batch_size * settings.max_tokens  # no step has more
        longest = settings.max_tokens if settings.batch_tokens == "auto" else settings.batch_tokens
        wanted = min(most, max(longest, settings.max_tokens))
        fit = _Fit(0, recomputed=False)
        for recomputed in self._ways(base):
            if fit.tokens < wanted:
                fit = _Fit(self._fitting(base, meter, held, most, recomputed=recomputed), recomputed)
        return fit if meter is not None else replace(fit, tokens=min(fit.tokens, CPU_TOKENS))

    def _ways(self, base: CausalModel) -> tuple[bool, ...]:
        """The faster one first."""
        asked = self._settings.gradient_checkpointing
        if asked != "auto":
            return (asked,)
        return (False, True) if blocks_of(base.model) else (False,)

    def _fitting(self, base: CausalModel, meter: Meter | None, held: int, most: int, *, recomputed: bool) -> int:
        settings = self._settings
        expected = estimate(base, settings.rank, settings.max_tokens, recomputed=recomputed)
        if meter is None:
            return fitting_tokens(expected, _CPU_SHARE * free_memory(), most)
        likely = fitting_tokens(expected.plus(held), meter.available(), most)
        return fitting_tokens(measured(base, settings, meter, likely, recomputed=recomputed), meter.available(), most)


def estimate(base: CausalModel, rank: int, longest: int, *, recomputed: bool = False) -> StepMemory:
    """What a step takes by the model's shape, beside what is loaded already.

    Each linear layer's input and output are kept, about: what a block keeps besides (inputs of norms, factors of gates)
    makes up for inputs that several layers share. `benchmarks/micro_batches.py` compares it with what is.

    Parameters
    ----------
    longest : int
        Tokens of the longest row.
    recomputed : bool
        Whether blocks keep their inputs alone: then one at a time has all that it needs.

    Raises
    ------
    ConfigError
        The model has no blocks that could.
    """
    features = sum(sum(layer.weight.shape) for layer in linear_layers(base.model).values())
    kept = features + kept_attention(base, longest)
    if recomputed:
        blocks = len(recomputable(base))
        kept = kept // blocks + blocks * base.model.get_input_embeddings().weight.shape[1]
    return StepMemory.estimated(kept, features, rank, base.dtype.itemsize).plus(most_logit_bytes(base.device))


def measured(
    base: CausalModel, settings: Training, meter: Meter, likely: int, *, recomputed: bool = False
) -> StepMemory:
    """What a step takes by two micro-batches of one and of three rows, of which one token each carries loss.

    So few logits are made; what those of a whole micro-batch take at most is added. Gradients and moments are held all
    the while, and the optimiser's step is not measured: were they made anew, they would be the peak of short rows, and
    the line would be flat.

    Parameters
    ----------
    likely : int
        Tokens that are expected to fit.
    """
    length = max(_SHORTEST_ROW, min(_LONGEST_ROW, settings.max_tokens, likely // _MEASURED_SHARE))
    row = Encoded(tuple(n % base.head.words for n in range(length + 1)), length)
    batcher: Batcher = build("batcher", settings.batcher, BatcherContext(length))
    with torch.random.fork_rng(devices=[base.device] if base.device.type == "cuda" else []):
        view = trainable(base, settings.rank, settings.alpha, settings.dropout, settings.target_modules, seed=0)
        if batcher.packs:
            pack_rows(view)
        if recomputed:
            recompute_blocks(view)
        trained = [weight for weight in view.model.parameters() if weight.requires_grad]

        def both_ways(rows: int) -> None:
            losses_at(view.head, *batch_states(view, [row] * rows)).mean().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated

        both_ways(1)  # gradients are made, and what libraries hold for good
        optimiser = torch.optim.AdamW(trained, lr=0.0)
        optimiser.step()  # moments are made
        few, more = ((rows * length, meter.peak(partial(both_ways, rows))) for rows in _MEASURED_ROWS)
    return StepMemory.through(few, more).plus(most_logit_bytes(base.device))

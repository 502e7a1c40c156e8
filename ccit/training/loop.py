"""Training one adapter: the LoRA weights alone, without weight decay, from checkpoint to checkpoint.

A step's gradient is that of the mean loss over all its response tokens, however they fall into micro-batches. The
methods of the configuration (`ccit/ports/training.py`) are called at their places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from ccit.config import Training
from ccit.models.causal import CausalModel
from ccit.models.likelihood import losses_at
from ccit.models.optimisation import Optimisation, OptimisationSettings
from ccit.models.packing import batch_states
from ccit.ports.training import Example, MicroBatch, Tensors
from ccit.training.applied import AppliedMethods
from ccit.training.checkpoint import Checkpoint, TrainingState
from ccit.training.steps import Step

_METHOD = "method"  # first part of the names of the methods' tensors in a checkpoint
_MEASURED_SHARE = 0.1  # of the steps at either end that the first and last loss are means of


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean loss over the first and the last tenth of the steps, nats per response token."""

    first: float
    last: float

    @classmethod
    def of(cls, losses: Sequence[float]) -> Losses:
        """Summarise the losses of all steps; there is at least one."""
        span = max(1, round(len(losses) * _MEASURED_SHARE))
        return cls(sum(losses[:span]) / span, sum(losses[-span:]) / span)


class AdapterTraining:
    """One adapter on its way through a planned list of steps.

    Parameters
    ----------
    view : CausalModel
        From `trainable`: its LoRA weights are changed in place.
    examples : Sequence[Example]
        What `steps` index.
    methods : AppliedMethods
        Made for this adapter.
    rate : float
        Peak learning rate.
    seed : int
        Of dropout.
    """

    def __init__(
        self,
        view: CausalModel,
        examples: Sequence[Example],
        steps: Sequence[Step],
        methods: AppliedMethods,
        settings: Training,
        rate: float,
        seed: int,
    ) -> None:
        self._view = view
        self._examples = examples
        self._steps = steps
        self._methods = methods
        self._settings = settings
        self._seed = seed
        self._weights = {name: p for name, p in sorted(view.model.named_parameters()) if p.requires_grad}
        optimising = OptimisationSettings(
            rate,
            settings.warmup_share,
            settings.max_grad_norm,
            advice="lower training.learning_rate or training.proxy_learning_rate",
        )
        self._optimisation = Optimisation(view.name, self._weights, optimising, len(steps))

    def run(self, checkpoint: Checkpoint, progress: Callable[[int, int], None]) -> Losses:
        """Train from the last checkpoint, or from the start, to the end.

        Raises
        ------
        TrainingFailed
            A loss or a gradient is not finite.
        StorageFailed
            A checkpoint does not fit on the disk.
        """
        with _own_randomness(self._view.device):
            torch.manual_seed(_seed_of(self._seed, "prepare"))
            self._methods.prepare(self._view, self._weights, self._examples)
            losses = self._resume(checkpoint)
            while len(losses) < len(self._steps):
                losses.append(self._step(len(losses)))
                if len(losses) % self._settings.checkpoint_steps == 0 or len(losses) == len(self._steps):
                    checkpoint.save(TrainingState(losses, self._tensors()))
                progress(len(losses), len(self._steps))
        self._put(self._methods.adapter(self._weights))
        return Losses.of(losses)

    def _step(self, step: int) -> float:
        torch.manual_seed(_seed_of(self._seed, f"step {step}"))
        batches = [[self._examples[i] for i in batch] for batch in self._steps[step]]
        tokens = sum(_response_tokens(batch) for batch in batches)
        parts = [partial(self._part, batch, tokens) for batch in batches]
        mean = self._optimisation.step(step, parts, self._methods.after_backward)
        self._methods.after_step()
        return mean

    def _part(self, batch: Sequence[Example], tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A micro-batch's part of the mean over the step's `tokens`: with what methods add to it, and without."""
        states_ND, targets_N = batch_states(self._view, [example.row for example in batch])
        losses_N = losses_at(self._view.head, states_ND, targets_N)
        loss = losses_N.sum() / tokens
        micro_batch = MicroBatch(batch, losses_N, _response_tokens(batch) / tokens, states_ND)
        return self._methods.loss(loss, micro_batch), loss

    def _tensors(self) -> dict[str, torch.Tensor]:
        methods = {f"{_METHOD}/{name}": tensor for name, tensor in self._methods.state().items()}
        return self._optimisation.tensors() | methods

    def _resume(self, checkpoint: Checkpoint) -> list[float]:
        state = checkpoint.load()
        if state is None:
            return []
        own, methods = dict(state.tensors), {}
        for key in [key for key in own if key.startswith(f"{_METHOD}/")]:
            methods[key.removeprefix(f"{_METHOD}/")] = own.pop(key).to(self._view.device)
        self._optimisation.restore(own)
        self._methods.load_state(methods)
        return state.losses

    def _put(self, weights: Tensors) -> None:
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(weights[name])


def _response_tokens(batch: Sequence[Example]) -> int:
    return sum(example.row.response_tokens for example in batch)


def _seed_of(seed: int, what: str) -> int:
    """63 bits that differ from step to step."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{what}".encode()).digest()[:8], "big") >> 1


@contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    """Leave the process's random state as it was: dropout draws from the global generator, there is no other way."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield

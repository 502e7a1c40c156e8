"""What the penalties on important weights share: each weight's importance and the value it is held at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ccit.ports.training import Method, MicroBatch, Tensors, TrainingStart

if TYPE_CHECKING:
    import torch

_FILE = "memory.safetensors"
_IMPORTANCE, _CENTRE = "importance/", "centre/"


class QuadraticPenalty(Method):
    """Adds strength / 2 * sum over weights of importance * (w - centre)^2, in nats per response token.

    Importance and centre travel with the version, in one file of twice the adapter's size; without it, in the first
    round, nothing is held.
    """

    def __init__(self, strength: float) -> None:
        self._strength = strength
        self.weights: Tensors = {}
        self.importance: Tensors = {}
        self.centre: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Take up what earlier rounds hold; a checkpoint needs none of it."""
        self.weights = start.weights
        self.importance = {name: weight.detach().clone().zero_() for name, weight in start.weights.items()}
        self.centre = {name: weight.detach().clone() for name, weight in start.weights.items()}
        if _FILE in start.files:
            from safetensors.torch import load

            held = load(start.files[_FILE])
            for name, weight in start.weights.items():
                self.importance[name] = held[_IMPORTANCE + name].to(weight.device)
                self.centre[name] = held[_CENTRE + name].to(weight.device)

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        """With the penalty."""
        for name, weight in self.weights.items():
            gap = weight - self.centre[name]
            loss = loss + batch.share * self._strength / 2 * (self.importance[name] * gap.square()).sum()
        return loss

    def penalty_gradient(self, name: str) -> torch.Tensor:
        """The penalty's part in the gradient of a weight."""
        found: torch.Tensor = self._strength * self.importance[name] * (self.weights[name] - self.centre[name]).detach()
        return found

    def memory(self, importance: Tensors, centre: Tensors) -> Mapping[str, bytes]:
        """The file that the next round begins with."""
        from safetensors.torch import save

        held = {_IMPORTANCE: importance, _CENTRE: centre}
        tensors = {prefix + name: t for prefix, group in held.items() for name, t in group.items()}
        return {_FILE: save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})}

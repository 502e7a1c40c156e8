"""Synaptic intelligence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext, Tensors, TrainingStart
from ccit.training.methods.quadratic import QuadraticPenalty

if TYPE_CHECKING:
    import torch


@plugin("method")
class SynapticIntelligence(QuadraticPenalty):
    """Holds each weight the harder, the more its way through earlier rounds has lowered their losses.

    Zenke, Poole & Ganguli 2017, arXiv 1703.04200, on the LoRA weights. Along the steps of a round, with g the gradient
    of the loss without this penalty, and D = w_end - w_start the whole way:

        path = sum over steps of -g * (w_after - w_before)
        importance += max(0, path) / (D^2 + damping)
        loss + strength / 2 * sum over weights of importance * (w - w_incumbent)^2

    What other methods add to the loss counts as loss. The way is that of the training itself: where another method
    makes the candidate of it (an average, a running mean), D is not the candidate's distance. Cost: two copies of the
    adapter in memory, no pass through the model, and a file of twice the adapter's size with each version.

    Example
    -------
    >>> SynapticIntelligence.Settings().damping
    0.001
    """

    class Settings(PluginSettings):
        """How hard it holds."""

        kind: Literal["synaptic_intelligence"] = "synaptic_intelligence"
        strength: float = Field(1.0, ge=0, description="weight of the penalty (the paper's 2 c)")
        damping: float = Field(
            1e-3, gt=0, description="squared units; keeps weights that hardly moved from counting without bound"
        )

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings.strength)
        self._damping = settings.damping
        self._start: Tensors = {}
        self._path: dict[str, torch.Tensor] = {}
        self._gone: Tensors = {}
        self._gradient: dict[str, torch.Tensor] = {}
        self._before: dict[str, torch.Tensor] = {}

    def prepare(self, start: TrainingStart) -> None:
        """No way has been gone yet."""
        super().prepare(start)
        self._start = {name: weight.detach().clone() for name, weight in start.weights.items()}
        self._path = {name: weight.detach().clone().zero_() for name, weight in start.weights.items()}

    def after_backward(self) -> None:
        """Keep gradient and place: clipping changes the one, the optimiser the other."""
        for name, weight in self.weights.items():
            if weight.grad is not None:
                self._gradient[name] = weight.grad.detach() - self.penalty_gradient(name)
                self._before[name] = weight.detach().clone()

    def after_step(self) -> None:
        """Add the step to the way."""
        for name, gradient in self._gradient.items():
            self._path[name].sub_(gradient * (self.weights[name].detach() - self._before[name]))
        self._gradient.clear()
        self._before.clear()

    def adapter(self, weights: Tensors) -> Tensors:
        """Where the way ended; what becomes of it is for other methods."""
        self._gone = {name: weight.detach() - self._start[name] for name, weight in self.weights.items()}
        return weights

    def finish(self) -> Mapping[str, bytes]:
        """Add this round's importance to that of those before, around the candidate's weights."""
        total = {
            name: self.importance[name] + self._path[name].clamp(min=0) / (gone.square() + self._damping)
            for name, gone in self._gone.items()
        }
        return self.memory(total, self.weights)

    def state(self) -> Tensors:
        """The way so far."""
        return dict(self._path)

    def load_state(self, state: Tensors) -> None:
        """Go on with the way of an earlier process."""
        self._path = {name: state[name].clone() for name in self._path}

"""Small gradients are noise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, Tensors, TrainingStart


@plugin("method")
class DeadZone(Method):
    """Sets gradients that are smaller than `below` to zero.

    Example
    -------
    >>> import torch
    >>> weight = torch.zeros(2, requires_grad=True)
    >>> method = DeadZone(DeadZone.Settings(below=0.5), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    >>> weight.grad = torch.tensor([0.1, -2.0])
    >>> method.after_backward()
    >>> weight.grad.tolist()
    [0.0, -2.0]
    """

    class Settings(PluginSettings):
        """What counts as small."""

        kind: Literal["dead_zone"] = "dead_zone"
        below: float = Field(1e-6, ge=0, description="magnitude of a gradient below which it is zero")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._below = settings.below
        self._weights: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Remember what is trained."""
        self._weights = start.weights

    def after_backward(self) -> None:
        """Silence the small ones."""
        for weight in self._weights.values():
            if weight.grad is not None:
                weight.grad.mul_(weight.grad.abs() >= self._below)

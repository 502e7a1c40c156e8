"""A pull back to the incumbent's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, MicroBatch, Tensors, TrainingStart

if TYPE_CHECKING:
    import torch


@plugin("method")
class L2ToIncumbent(Method):
    """Holds the adapter near the incumbent's by a penalty on the squared distance of their weights.

    L2-SP (Li, Grandvalet & Davoine 2018, arXiv 1802.01483), on the LoRA weights:

        loss + strength / 2 * sum over all weights of (w - w_incumbent)^2

    in nats per response token. The first round starts from the base model: there w_incumbent are the fresh weights.

    Example
    -------
    >>> import torch
    >>> weight = torch.tensor([1.0, 2.0])
    >>> method = L2ToIncumbent(L2ToIncumbent.Settings(strength=0.5), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    >>> _ = weight.add_(2.0)
    >>> float(method.loss(torch.tensor(1.0), MicroBatch([], torch.ones(1), share=1.0)))  # 1 + 0.5 / 2 * (4 + 4)
    3.0
    """

    class Settings(PluginSettings):
        """How hard it pulls."""

        kind: Literal["l2_to_incumbent"] = "l2_to_incumbent"
        strength: float = Field(0.01, ge=0, description="weight of half the squared distance, nats per unit")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._strength = settings.strength
        self._weights: Tensors = {}
        self._incumbent: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Remember where the weights began; a checkpoint needs no state, as each process begins there again."""
        self._weights = start.weights
        self._incumbent = {name: weight.detach().clone() for name, weight in start.weights.items()}

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        """With the penalty."""
        for name, weight in self._weights.items():
            loss = loss + batch.share * self._strength / 2 * (weight - self._incumbent[name]).square().sum()
        return loss

"""Tokens that are not known yet count more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext, MicroBatch
from ccit.training.methods.reweighting import Reweighting

if TYPE_CHECKING:
    import torch


@plugin("method")
class Focal(Reweighting):
    """Weights each response token by how little the model expects it.

    Focal loss (Lin et al. 2017, arXiv 1708.02002), with p = e^-loss the probability that the model gives the token now:

        mean over response tokens of (1 - p)^gamma * loss

    The weight is a number: unlike in the paper, no gradient flows through it. What is certain already, most words of
    an answer, pulls no more. Trap: what is wrong stays unexpected and counts most. Cost: none to speak of.

    Example
    -------
    >>> import torch
    >>> method = Focal(Focal.Settings(gamma=1.0), MethodContext("proxy", seed=0))
    >>> losses = -torch.tensor([0.5, 1.0]).log()
    >>> method.weights_of(MicroBatch([], losses, share=1.0))
    tensor([0.5000, 0.0000])
    """

    class Settings(PluginSettings):
        """How much less the expected counts."""

        kind: Literal["focal"] = "focal"
        gamma: float = Field(1.0, ge=0, description="exponent; 0 weights all alike (paper: 2)")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._gamma = settings.gamma

    def weights_of(self, batch: MicroBatch) -> torch.Tensor:
        """By the probability of each."""
        weights: torch.Tensor = (1 - (-batch.losses.detach()).exp()).clamp(min=0) ** self._gamma
        return weights

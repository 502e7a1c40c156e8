"""What methods that weight the loss share: weights of tokens, none of which depends on how a step is divided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ccit.ports.training import Method, MicroBatch

if TYPE_CHECKING:
    import torch


class Reweighting(Method, ABC):
    """Weights the loss of each response token: mean over the step's tokens of weight * loss.

    The weights of several such methods in a list do not multiply: each adds its (weight - 1) * loss.
    """

    @abstractmethod
    def weights_of(self, batch: MicroBatch) -> torch.Tensor:
        """(N,), 1 for what counts as before; no gradient flows through it."""

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        """With weights."""
        weighted: torch.Tensor = (self.weights_of(batch).detach() - 1) * batch.losses
        return loss + batch.share * weighted.mean()

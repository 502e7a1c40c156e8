"""Elastic weight consolidation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext
from ccit.training.methods.fisher import FisherPenalty

if TYPE_CHECKING:
    import torch


@plugin("method")
class Ewc(FisherPenalty):
    """Holds each weight of the adapter the harder, the more the samples of earlier rounds depend on it.

    Kirkpatrick et al. 2017, arXiv 1612.00796, on the LoRA weights. After rounds 1 .. n, with F_i the diagonal of the
    empirical Fisher information of round i's own samples (per response token) at the weights w_i it ended with:

        loss + strength / 2 * sum over i and weights of F_i (w - w_i)^2

    The sum of these parabolas is one of height F = sum of F_i around c = sum of F_i w_i / F, up to a constant: two
    numbers a weight, however many rounds. Cost: after training a forward and a backward pass over `samples` samples,
    and a file of twice the adapter's size with each version.

    Example
    -------
    >>> import torch
    >>> from ccit.training.methods.ewc import sum_of_parabolas
    >>> heights, centres = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 4.0])
    >>> importance, centre = sum_of_parabolas(heights[0], centres[0], heights[1], centres[1])
    >>> float(importance), float(centre)  # (1 * 0 + 3 * 4) / 4
    (4.0, 3.0)
    """

    class Settings(PluginSettings):
        """How hard it holds, and how it measures."""

        kind: Literal["ewc"] = "ewc"
        strength: float = Field(100.0, ge=0, description="weight of the penalty; 1 is what the theory says")
        samples: int = Field(64, ge=1, description="samples of a round that importance is measured on, at most")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings.strength, settings.samples, context.seed)

    def finish(self) -> Mapping[str, bytes]:
        """Add this round's parabola to those before."""
        fisher, importance, centre = self.fisher(), {}, {}
        for name, weight in self.weights.items():
            importance[name], centre[name] = sum_of_parabolas(
                self.importance[name], self.centre[name], fisher[name], weight.detach()
            )
        return self.memory(importance, centre)


def sum_of_parabolas(
    first: torch.Tensor, first_centre: torch.Tensor, second: torch.Tensor, second_centre: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Height and centre of the sum of two parabolas; where both are flat the second's centre."""
    import torch

    both = first + second
    pulled = (first * first_centre + second * second_centre) / torch.where(both > 0, both, torch.ones_like(both))
    return both, torch.where(both > 0, pulled, second_centre)

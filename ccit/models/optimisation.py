"""One optimiser step after the other: the loop that rounds and the small models made here are trained by.

AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101) with clipped gradients, under the rate of `ccit/models/schedule.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch

from ccit.errors import TrainingFailed
from ccit.models.schedule import rate_factor

Part = Callable[[], tuple[torch.Tensor, torch.Tensor]]
"""Gives the scalar loss to descend, and the one to report."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class OptimisationSettings:
    """How the weights are moved.

    Parameters
    ----------
    rate : float
        Peak learning rate.
    warmup_share : float
        Share of the steps in which the rate rises to its peak, 0 to 1.
    max_grad_norm : float
        A longer gradient is scaled down to this length.
    floor : float
        Share of the peak that the rate falls towards.
    half : bool
        Whether products are computed in bfloat16.
    advice : str
        What to do when the loss is not finite.
    """

    rate: float
    warmup_share: float
    max_grad_norm: float
    floor: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    half: bool = False
    advice: str = "lower the learning rate"


class Optimisation:
    """Weights on their way through a known number of steps.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    weights : Mapping[str, torch.nn.Parameter]
        Changed in place; all on one device.
    steps : int
        Of the whole training.

    Example
    -------
    >>> weight = torch.nn.Parameter(torch.ones(1))
    >>> training = Optimisation("w", {"w": weight}, OptimisationSettings(0.1, 0.0, 1.0), steps=2)
    >>> [training.step(n, [lambda: ((weight**2).sum(), weight.sum())]) for n in range(2)][0], float(weight.detach()) < 1
    (1.0, True)
    """

    def __init__(
        self, name: str, weights: Mapping[str, torch.nn.Parameter], settings: OptimisationSettings, steps: int
    ) -> None:
        self._name = name
        self._weights = weights
        self._settings = settings
        self._steps = steps
        self._device = next(iter(weights.values())).device
        self._optimizer = torch.optim.AdamW(
            weights.values(), lr=settings.rate, betas=settings.betas, weight_decay=settings.weight_decay, fused=True
        )

    def step(self, number: int, parts: Iterable[Part], after_backward: Callable[[], None] = _nothing) -> float:
        """Make one step down the sum of `parts`; returns the sum of what they report.

        Parameters
        ----------
        number : int
            0 .. steps - 1.
        parts : Iterable[Part]
            One for each micro-batch; its graph is let go before the next is asked.
        after_backward : callable
            Called when the gradients are whole, before they are clipped.

        Raises
        ------
        TrainingFailed
            The loss or its gradient is not finite; the weights are as before.
        """
        settings = self._settings
        for group in self._optimizer.param_groups:
            group["lr"] = settings.rate * rate_factor(number, self._steps, settings.warmup_share, settings.floor)
        total = torch.zeros((), device=self._device)
        for part in parts:
            with torch.autocast(self._device.type, torch.bfloat16, enabled=settings.half):
                descended, reported = part()
            descended.backward()  # type: ignore[no-untyped-call]  # torch ships this method unannotated
            total += reported.detach()
        after_backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights.values(), settings.max_grad_norm))
        if not (math.isfinite(float(total)) and math.isfinite(norm)):
            raise TrainingFailed(
                f"the loss of {self._name} is {float(total)} (gradient norm {norm:g}) at step {number + 1} of "
                f"{self._steps}; {settings.advice}"
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(total)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights and moments by name: what a checkpoint holds."""
        tensors: dict[str, torch.Tensor] = {}
        for name, weight in self._weights.items():
            tensors[f"weight/{name}"] = weight
            for key, value in self._optimizer.state[weight].items():
                tensors[f"{key}/{name}"] = value
        return tensors

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from such tensors."""
        for key, tensor in tensors.items():
            kind, _, name = key.partition("/")
            weight = self._weights[name]
            if kind == "weight":
                with torch.no_grad():
                    weight.copy_(tensor)
            else:
                self._optimizer.state[weight][kind] = tensor.to(weight.device)

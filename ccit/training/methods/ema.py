"""The average of the weights over the last steps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, Tensors, TrainingStart

_STEPS = "steps"


@plugin("method")
class EmaMethod(Method):
    """Makes the candidate of a moving average of the weights instead of those of the last step.

    Averaging over steps (Polyak & Juditsky 1992), with exponential weights and Adam's correction for a short past
    (Kingma & Ba 2014, arXiv 1412.6980). After t steps:

        w = (1 - decay) / (1 - decay^t) * sum over s = 1 .. t of decay^(t - s) w_s

    Example
    -------
    >>> import torch
    >>> weight = torch.tensor([1.0])
    >>> method = EmaMethod(EmaMethod.Settings(decay=0.5), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, {"a": weight}, [], {}))
    >>> for value in (3.0, 6.0):
    ...     _ = weight.fill_(value)
    ...     method.after_step()
    >>> method.adapter({"a": weight})  # (0.5 * 3 + 1 * 6) / 1.5
    {'a': tensor([5.])}
    """

    class Settings(PluginSettings):
        """How far back it looks."""

        kind: Literal["ema"] = "ema"
        decay: float = Field(
            0.99, ge=0, lt=1, description="weight of a step beside that of the next one; 0 takes the last step alone"
        )

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._decay = settings.decay
        self._steps = 0
        self._weights: Tensors = {}
        self._sums: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Nothing has been averaged yet."""
        self._weights = start.weights
        self._sums = {name: weight.detach().clone().zero_() for name, weight in start.weights.items()}

    def after_step(self) -> None:
        """Take the new weights in."""
        self._steps += 1
        for name, weight in self._weights.items():
            self._sums[name].mul_(self._decay).add_(weight.detach(), alpha=1 - self._decay)

    def adapter(self, weights: Tensors) -> Tensors:
        """The average; before the first step there is none."""
        if self._steps == 0:
            return weights
        return {name: self._sums[name] / (1 - self._decay**self._steps) for name in weights}

    def state(self) -> Tensors:
        """The sums, and of how many steps."""
        import torch

        return {_STEPS: torch.tensor(self._steps), **self._sums}

    def load_state(self, state: Tensors) -> None:
        """Go on with the sums of an earlier process."""
        self._steps = int(state[_STEPS])
        self._sums = {name: state[name].clone() for name in self._sums}

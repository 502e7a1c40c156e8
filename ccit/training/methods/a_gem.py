"""Averaged gradient episodic memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Example, Method, MethodContext, Tensors, TrainingStart
from ccit.records import Spend

_TOKENS = "tokens"


@plugin("method")
class AGem(Method):
    """Turns a step so that it does not raise the loss on old samples, to the first order.

    A-GEM (Chaudhry et al. 2019, arXiv 1812.00420). Old samples (`part`) are not trained on; they are the memory. With g
    the step's gradient and m the gradient of the mean loss of `batch` samples drawn from the memory:

        g                          where g . m >= 0
        g - (g . m / m . m) m      otherwise

    Put it last in the list, or last but for `o_lora`: what another method adds to the gradient after it is not turned,
    and `o_lora` holds the earlier slots still, which turning would move. Without samples of that part it does nothing.
    Cost: a forward and a backward pass over `batch` samples at each step, one by one, 4 N FLOPs per token.

    Example
    -------
    >>> import torch
    >>> from ccit.training.methods.a_gem import projected
    >>> new, old = {"w": torch.tensor([1.0, -2.0])}, {"w": torch.tensor([0.0, 1.0])}
    >>> projected(new, old)  # -2 along the second axis would undo the old
    {'w': tensor([1., 0.])}
    """

    class Settings(PluginSettings):
        """What the memory is."""

        kind: Literal["a_gem"] = "a_gem"
        part: str = Field("replay", description="part of the round that is the memory")
        batch: int = Field(8, ge=1, description="samples of the memory that a step looks at")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._part = settings.part
        self._batch = settings.batch
        self._memory: list[Any] = []
        self._model: Any = None
        self._weights: Tensors = {}
        self._tokens = 0  # fed: each sample is a pass of its own

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        """Without the memory, as long as anything else is left."""
        kept = [example for example in examples if example.part != self._part]
        if kept:
            self._memory = [example.row for example in examples if example.part == self._part]
        return kept or examples

    def prepare(self, start: TrainingStart) -> None:
        """Remember what is trained."""
        self._model, self._weights = start.model, start.weights

    def after_backward(self) -> None:
        """Turn the step's gradient."""
        import torch

        from ccit.models.gradients import gradients_of

        new = {name: weight.grad for name, weight in self._weights.items() if weight.grad is not None}
        if not self._memory or not new:
            return
        drawn = [self._memory[int(i)] for i in torch.randperm(len(self._memory))[: self._batch]]
        self._tokens += sum(len(row.fed) for row in drawn)
        old = gradients_of(self._model, drawn, {name: self._weights[name] for name in new})
        for name, gradient in projected(new, old).items():
            self._weights[name].grad.copy_(gradient)

    def spent(self) -> Spend:
        """The passes over the memory."""
        return Spend.of_training(self._tokens, self._model.parameters)

    def state(self) -> Tensors:
        """What it has cost so far."""
        import torch

        return {_TOKENS: torch.tensor(self._tokens)}

    def load_state(self, state: Tensors) -> None:
        """Count on."""
        self._tokens = int(state[_TOKENS])


def projected(new: Tensors, old: Tensors) -> Tensors:
    """The gradient nearest to `new` that does not point against `old`, over all weights together."""
    along = sum(float((new[name] * old[name]).sum()) for name in new)
    length = sum(float(gradient.square().sum()) for gradient in old.values())
    if along >= 0 or length == 0:
        return new
    return {name: new[name] - along / length * old[name] for name in new}

"""Tasks weighted by how uncertain the model is about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Example, MethodContext, MicroBatch, Tensors, TrainingStart
from ccit.training.methods.reweighting import Reweighting

if TYPE_CHECKING:
    import torch

_LOG_VARIANCES = "log_variances"


@plugin("method")
class Uncertainty(Reweighting):
    """Learns a weight for each task beside the model: the larger a task's loss stays, the less it counts.

    Kendall, Gal & Cipolla 2018, arXiv 1705.07115. With s_k the logarithm of task k's variance and L_k the mean loss of
    its response tokens, what is minimised is the sum over tasks of e^-s_k L_k + s_k / 2. Tokens of task k are weighted
    by e^-s_k, which begins at 1 and goes towards 1 / (2 L_k); after each step in which the task has tokens

        s_k = s_k - rate * (1/2 - e^-s_k L_k)

    Tasks are the parts of the round, or its samples' sources or groups. Cost: none to speak of.

    Example
    -------
    >>> Uncertainty.Settings().task
    'part'
    """

    class Settings(PluginSettings):
        """What a task is, and how fast its weight is learned."""

        kind: Literal["uncertainty"] = "uncertainty"
        task: Literal["part", "source", "group"] = Field("part", description="what the samples of one task share")
        rate: float = Field(0.05, gt=0, le=1, description="step of the logarithm of a variance")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._task = settings.task
        self._rate = settings.rate
        self._log_variances: dict[str, float] = {}
        self._sums: dict[str, float] = {}  # of this step: nats
        self._tokens: dict[str, int] = {}

    def prepare(self, start: TrainingStart) -> None:
        """Every task begins with weight 1."""
        self._log_variances = dict.fromkeys(sorted({self._task_of(example) for example in start.examples}), 0.0)

    def weights_of(self, batch: MicroBatch) -> torch.Tensor:
        """By task; what they lost is kept for the end of the step."""
        import torch

        lengths = [example.row.response_tokens for example in batch.examples]
        tasks = [self._task_of(example) for example in batch.examples]
        for task, losses in zip(tasks, torch.split(batch.losses.detach(), lengths), strict=True):
            self._sums[task] = self._sums.get(task, 0.0) + float(losses.sum())
            self._tokens[task] = self._tokens.get(task, 0) + len(losses)
        weights = torch.tensor([math.exp(-self._log_variances[task]) for task in tasks])
        return weights.repeat_interleave(torch.tensor(lengths)).to(batch.losses)

    def after_step(self) -> None:
        """Move the weights of the tasks that were there."""
        for task, tokens in self._tokens.items():
            held = self._log_variances[task]
            self._log_variances[task] = held - self._rate * (0.5 - math.exp(-held) * self._sums[task] / tokens)
        self._sums.clear()
        self._tokens.clear()

    def state(self) -> Tensors:
        """The logarithms, in the order of the tasks' names."""
        import torch

        return {_LOG_VARIANCES: torch.tensor(list(self._log_variances.values()), dtype=torch.float64)}

    def load_state(self, state: Tensors) -> None:
        """Go on with those of an earlier process."""
        held: Sequence[float] = state[_LOG_VARIANCES].tolist()
        self._log_variances = dict(zip(self._log_variances, held, strict=True))

    def _task_of(self, example: Example) -> str:
        return example.part if self._task == "part" else str(getattr(example.sample, self._task))

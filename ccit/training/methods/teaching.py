"""What the ways of distillation share: a frozen teacher, and the distance to it on whatever is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from ccit.plugins import PluginSettings
from ccit.ports.training import Method, MicroBatch, Tensors, TrainingStart
from ccit.records import Spend

if TYPE_CHECKING:
    import torch

_TOKENS = "tokens"


class TeachingSettings(PluginSettings):
    """How hard the teacher is listened to."""

    strength: float = Field(1.0, ge=0, description="weight of the distance to the teacher, beside the loss's 1")
    temperature: float = Field(2.0, gt=0, description="both distributions are softened by it; the papers take 2")
    part: str = Field("", description="part of the round that is taught; empty is all of it")


class Teaching(Method):
    """Adds strength * mean over response tokens of KL(teacher || model), in nats, softened by a temperature.

    Parameters
    ----------
    settings : TeachingSettings
        Tokens of other parts than `part` count 0 in the mean.
    adapted : bool
        Whether the teacher wears the adapter that training starts from, or none.
    """

    def __init__(self, settings: TeachingSettings, *, adapted: bool) -> None:
        self._strength = settings.strength
        self._temperature = settings.temperature
        self._part = settings.part
        self._adapted = adapted
        self._student: Any = None
        self._teacher: Any = None
        self._tokens = 0  # padding included

    def prepare(self, start: TrainingStart) -> None:
        """Keep the teacher; a checkpoint needs none, as each process begins with the incumbent's weights."""
        from ccit.models.causal import frozen

        self._student, self._teacher = start.model, frozen(start.model, adapted=self._adapted)

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        """With the distance."""
        import torch

        from ccit.models.divergence import divergences_at
        from ccit.models.packing import batch_states, computed_tokens

        taught = [not self._part or example.part == self._part for example in batch.examples]
        rows = [example.row for example, chosen in zip(batch.examples, taught, strict=True) if chosen]
        if not rows:
            return loss
        lengths = [example.row.response_tokens for example in batch.examples]
        chosen_N = torch.tensor(taught).repeat_interleave(torch.tensor(lengths)).to(batch.states.device)
        with torch.no_grad():
            taught_ND, _ = batch_states(self._teacher, rows)
        self._tokens += computed_tokens(self._teacher, rows)
        gaps_N = divergences_at(
            self._teacher.head, taught_ND, self._student.head, batch.states[chosen_N], temperature=self._temperature
        )
        return loss + self._strength * batch.share * gaps_N.sum() / len(chosen_N)

    def spent(self) -> Spend:
        """A forward pass of the teacher for each of the model's."""
        return Spend.of_reading(self._tokens, self._student.parameters)

    def state(self) -> Tensors:
        """What it has cost so far."""
        import torch

        return {_TOKENS: torch.tensor(self._tokens)}

    def load_state(self, state: Tensors) -> None:
        """Count on."""
        self._tokens = int(state[_TOKENS])

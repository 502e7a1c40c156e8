"""Orthogonal low-rank adaptation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, MicroBatch, Tensors, TrainingStart

if TYPE_CHECKING:
    import torch

_FILE = "rounds.json"


@plugin("method")
class OLora(Method):
    """Gives each round directions of the adapter of its own, orthogonal to those of the rounds before.

    O-LoRA (Wang et al. 2023, arXiv 2310.14152). There each task has a new LoRA beside frozen ones. A version here has
    one adapter of a fixed rank, so its rank is divided into `slots`; a round trains the next one and leaves the others
    as they are. With A_t the rows of A in its slot, and A_i those of the slots that earlier rounds have used:

        loss + strength * sum over layers and i of || A_i A_t^T ||^2     (squared Frobenius norm)

    After `slots` rounds the first slot is trained again. The rank bounds the number of slots. Not together with what
    cuts a sum of updates to the rank (`average` with the incumbent, `fast_and_slow`): that mixes the slots. Nor with
    `training.start`: no slot counts as used in an imported adapter, so it would be trained over. Cost: a product of two
    small matrices a layer; each round learns with 1 / slots of the rank.

    Example
    -------
    >>> import torch
    >>> from ccit.ports.training import MicroBatch
    >>> weights = {"q.lora_A.w": torch.tensor([[1.0, 0.0], [3.0, 4.0]]), "q.lora_B.w": torch.zeros(2, 2)}
    >>> method = OLora(OLora.Settings(slots=2, strength=0.5), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, weights, [], {"rounds.json": b"1"}))
    >>> float(method.loss(torch.tensor(1.0), MicroBatch([], torch.ones(1), share=1.0)))  # 1 + 0.5 * (1 * 3 + 0 * 4)^2
    5.5
    """

    class Settings(PluginSettings):
        """How many rounds have room."""

        kind: Literal["o_lora"] = "o_lora"
        slots: int = Field(4, ge=1, description="parts into which the rank is divided")
        strength: float = Field(0.5, ge=0, description="weight of the overlap with earlier directions (paper: 0.5)")

    holds_directions = True

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._slots = settings.slots
        self._strength = settings.strength
        self._rounds = 0  # before this one
        self._weights: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Which slot is next."""
        self._weights = start.weights
        self._rounds = int(json.loads(start.files.get(_FILE, b"0")))

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        """With the overlap."""
        for name, weight in self._weights.items():
            if ".lora_A." in name:
                own, earlier = self._own(len(weight)), self._earlier(len(weight))
                overlap = weight[earlier].detach() @ weight[own].T
                loss = loss + batch.share * self._strength * overlap.square().sum()
        return loss

    def after_backward(self) -> None:
        """Leave the other slots as they are; AdamW does not move what never had a gradient."""
        for name, weight in self._weights.items():
            if weight.grad is None:
                continue
            rank = len(weight) if ".lora_A." in name else weight.shape[-1]
            held = sorted(set(range(rank)) - set(self._own(rank)))
            if ".lora_A." in name:
                weight.grad[held] = 0.0
            elif ".lora_B." in name:
                weight.grad[:, held] = 0.0

    def finish(self) -> Mapping[str, bytes]:
        """How many rounds there were."""
        return {_FILE: json.dumps(self._rounds + 1).encode()}

    def _own(self, rank: int) -> list[int]:
        """The directions of this round's slot."""
        slots = min(self._slots, rank)
        return [row for row in range(rank) if row * slots // rank == self._rounds % slots]

    def _earlier(self, rank: int) -> list[int]:
        """The directions of the other slots that earlier rounds have trained."""
        slots = min(self._slots, rank)
        used = range(min(self._rounds, slots))
        return [row for row in range(rank) if (slot := row * slots // rank) in used and slot != self._rounds % slots]

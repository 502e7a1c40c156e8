"""What the two kinds of elastic weight consolidation share: the Fisher information of a round's own samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccit.ports.training import Example, Tensors, TrainingStart
from ccit.records import Spend
from ccit.training.methods.quadratic import QuadraticPenalty
from ccit.training.mixture import hash_order


class FisherPenalty(QuadraticPenalty):
    """Measures importance after training, on `samples` of the round's own samples, one at a time.

    Parameters
    ----------
    samples : int
        At most so many, drawn by `seed`. What earlier rounds taught is in the memory, so replayed samples do not count,
        unless a round has no others.
    """

    def __init__(self, strength: float, samples: int, seed: int) -> None:
        super().__init__(strength)
        self._samples = samples
        self._seed = seed
        self._model: Any = None
        self._rows: Sequence[Any] = ()

    def prepare(self, start: TrainingStart) -> None:
        """Choose what will be measured."""
        super().prepare(start)
        self._model = start.model
        own = [example for example in start.examples if example.part == "training"] or start.examples
        self._rows = _drawn(own, self._samples, self._seed)

    def fisher(self) -> Tensors:
        """The diagonal of the empirical Fisher information at the weights as they are, per response token."""
        from ccit.models.gradients import squared_gradients

        return squared_gradients(self._model, self._rows, self.weights)

    def spent(self) -> Spend:
        """A forward and a backward pass for each sample that was measured."""
        return Spend.of_training(sum(len(row.fed) for row in self._rows), self._model.parameters)


def _drawn(examples: Sequence[Example], count: int, seed: int) -> list[Any]:
    rows = {example.sample.sample_id: example.row for example in examples}
    return [rows[sample_id] for sample_id in hash_order(rows, seed, "fisher")[:count]]

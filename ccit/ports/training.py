"""How a round is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from ccit.records import Candidate, Material, Round, Sample, Spend, Version

Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True, slots=True)
class BatcherContext:
    """What every batcher may know: how many tokens a micro-batch has at most, as they are computed."""

    budget: int


class Batcher(Protocol):
    """Puts the samples of an optimiser step into micro-batches. Pure.

    `packs` says how they lie in one: one behind the other in one row, or each in its own, padded to the longest.
    """

    packs: ClassVar[bool]

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Numbers of samples, by micro-batch: each once; a sample longer than the budget is alone."""


Tensors = Mapping[str, Any]  # name -> torch.Tensor; torch is not known here


@dataclass(frozen=True, slots=True)
class MethodContext:
    """What every training method may know when it is made: whose adapter it works on, and the round's seed.

    Parameters
    ----------
    batch_tokens : int
        At most so many in a micro-batch; they are halved where memory lacks, so what a method computes at once beside
        the loop is bounded by them too.
    """

    role: Literal["deployed", "proxy"]
    seed: int
    batch_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that is trained on, the part of the round that it belongs to, and its tokens.

    `part` is `training` or the kind of a source; `row` is a `ccit.models.encoding.Encoded`.
    """

    sample: Sample
    part: str
    row: Any


@dataclass(frozen=True, slots=True)
class TrainingStart:
    """What a method sees before the first step of one adapter, and again when a killed round is taken up.

    Parameters
    ----------
    model : Any
        The `ccit.models.causal.CausalModel` that is trained.
    weights : Tensors
        Its trainable weights, the incumbent's; they change in place with each step.
    examples : Sequence[Example]
        All that is trained on.
    files : Mapping[str, bytes]
        What this method's `finish` left with the parent version; empty where it left nothing.
    """

    model: Any
    weights: Tensors
    examples: Sequence[Example]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What is computed at once: a few of a step's examples.

    The shares of a step's micro-batches add up to 1: whatever a method adds is weighted by them, or the result would
    depend on `training.batch_tokens`.

    Parameters
    ----------
    examples : Sequence[Example]
        They have N response tokens in all.
    losses : Any
        (N,) nats of each response token, example after example.
    share : float
        N over the response tokens of the whole step.
    states : Any
        (N, D) what `model.head.logits` makes the model's distributions of; gradients flow through it.
    """

    examples: Sequence[Example]
    losses: Any
    share: float
    states: Any = None


class Method(Protocol):
    """Changes how a round is trained: hooks, of which one overrides what it needs. One object works on one adapter."""

    holds_directions: ClassVar[bool] = False
    """Whether it relies on each of the rank's directions (row of A, column of B) being its own in every round, so
    not together with an imported adapter (`training.start`); a class attribute, as the configuration asks for it."""
    turns_directions: bool = False
    """Whether `adapter` may give the update B A in other directions of the rank; not together with the former."""

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        """What is trained on instead; pure, called first. At least one is left."""
        return examples

    def order(self, order: Sequence[int], examples: Sequence[Example], epoch: int, epochs: int) -> Sequence[int]:
        """Numbers in `examples`: which the epoch visits, and when; pure. `order` is what it was so far, shuffled."""
        return order

    def prepare(self, start: TrainingStart) -> None:
        """Called once before the first step; draws of torch's generator are seeded, here and in every step."""
        return

    def loss(self, loss: Any, batch: MicroBatch) -> Any:
        """The micro-batch's part of the step's loss, a scalar tensor; its gradient is taken next."""
        return loss

    def after_backward(self) -> None:
        """The step's gradients are whole (`weights[name].grad`) and not clipped yet."""
        return

    def after_step(self) -> None:
        """The optimiser has changed the weights."""
        return

    def adapter(self, weights: Tensors) -> Tensors:
        """The weights that become the candidate's, after the last step; those that are given are not changed."""
        return weights

    def finish(self) -> Mapping[str, bytes]:
        """Files that travel with the version, by plain name; the next round's `prepare` gets them back."""
        return {}

    def spent(self) -> Spend:
        """What it has computed beside the loop, however often the round was resumed; called after `finish`."""
        return Spend()

    def state(self) -> Tensors:
        """What a checkpoint must hold, so that a killed round ends as if it had not been."""
        return {}

    def load_state(self, state: Tensors) -> None:
        """Take up a checkpoint's state; called after `prepare`, with tensors on the model's device."""
        return


class Trainer(Protocol):
    """Trains a round's two adapters, starting from the parent version's."""

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        """Same round, material and parent: same bytes on the same machine. Raises `TrainingFailed`."""

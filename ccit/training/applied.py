"""A round's training methods as one: applied in the order of their list, with state and files kept apart by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccit.errors import ConfigError, TrainingFailed
from ccit.plugins import PluginSettings, build, kind_of
from ccit.ports.training import Example, Method, MethodContext, MicroBatch, Tensors, TrainingStart
from ccit.records import Spend

_FOLDER = "methods/"  # of the files that travel with a version, beside the adapter's own


class AppliedMethods:
    """What the training loop asks of its methods.

    Parameters
    ----------
    methods : Mapping[str, Method]
        By kind, in the order in which they are applied; fresh ones for each adapter.
    parent_files : Mapping[str, bytes]
        All files of the parent's adapter.

    Example
    -------
    >>> AppliedMethods({}, {}).files()
    {}
    """

    def __init__(self, methods: Mapping[str, Method], parent_files: Mapping[str, bytes]) -> None:
        self._methods = dict(methods)
        self._parent_files = parent_files

    @classmethod
    def made(
        cls, settings: Sequence[PluginSettings], context: MethodContext, parent_files: Mapping[str, bytes]
    ) -> AppliedMethods:
        """The methods that the configuration selects. Raises `ConfigError` where one undoes what another relies on."""
        methods: dict[str, Method] = {kind_of(one): build("method", one, context) for one in settings}
        holding = [kind for kind, method in methods.items() if method.holds_directions]
        turning = [kind for kind, method in methods.items() if method.turns_directions]
        if holding and turning:
            raise ConfigError(
                f"training.methods: {turning[0]!r} sums updates into new directions of the rank, which mixes those "
                f"that {holding[0]!r} keeps apart from round to round; take one of the two out"
            )
        return cls(methods, parent_files)

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        """What is trained on. Raises `TrainingFailed` where a method leaves nothing."""
        for kind, method in self._methods.items():
            examples = method.examples(examples)
            if not examples:
                raise TrainingFailed(f"the training method {kind!r} leaves no example to train on; take it out")
        return examples

    def order(self, order: Sequence[int], examples: Sequence[Example], epoch: int, epochs: int) -> Sequence[int]:
        """What an epoch visits. Raises `TrainingFailed` where a method leaves nothing."""
        for kind, method in self._methods.items():
            order = method.order(order, examples, epoch, epochs)
            if not order:
                raise TrainingFailed(f"the training method {kind!r} leaves an epoch without an example; take it out")
        return order

    def prepare(self, model: object, weights: Tensors, examples: Sequence[Example]) -> None:
        """Show each method what it works on, with the files that it left with the parent version itself."""
        for kind, method in self._methods.items():
            own = f"{_FOLDER}{kind}/"
            files = {name.removeprefix(own): held for name, held in self._parent_files.items() if name.startswith(own)}
            method.prepare(TrainingStart(model, weights, examples, files))

    def loss(self, loss: Any, batch: MicroBatch) -> Any:
        """What is differentiated."""
        for method in self._methods.values():
            loss = method.loss(loss, batch)
        return loss

    def after_backward(self) -> None:
        """Between gradients and clipping."""
        for method in self._methods.values():
            method.after_backward()

    def after_step(self) -> None:
        """After the optimiser."""
        for method in self._methods.values():
            method.after_step()

    def adapter(self, weights: Tensors) -> Tensors:
        """The candidate's weights."""
        for method in self._methods.values():
            weights = method.adapter(weights)
        return weights

    def files(self) -> dict[str, bytes]:
        """What travels with the version: `methods/<kind>/<name>`."""
        return {
            f"{_FOLDER}{kind}/{name}": content
            for kind, method in self._methods.items()
            for name, content in method.finish().items()
        }

    def spent(self) -> Spend:
        """What they computed beside the loop, in all."""
        return sum((method.spent() for method in self._methods.values()), Spend())

    def state(self) -> dict[str, Any]:
        """For a checkpoint: `<kind>/<name>`."""
        return {
            f"{kind}/{name}": tensor
            for kind, method in self._methods.items()
            for name, tensor in method.state().items()
        }

    def load_state(self, state: Tensors) -> None:
        """Give each method its own part of a checkpoint."""
        for kind, method in self._methods.items():
            own = f"{kind}/"
            method.load_state({name.removeprefix(own): held for name, held in state.items() if name.startswith(own)})

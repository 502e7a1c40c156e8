"""What every registered training Method must do, with its defaults, on a tiny model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from ccit.config import Config, Training
from ccit.models.adapter_format import read_adapter
from ccit.models.bases import BaseModels
from ccit.models.causal import CausalModel, trainable, with_adapter
from ccit.models.encoding import encode
from ccit.models.likelihood import losses_at
from ccit.models.packing import response_states
from ccit.models.revision import revision_of
from ccit.plugins import Plugin
from ccit.ports.training import Example, Method, MethodContext, MicroBatch, TrainingStart
from ccit.records import AdapterPair, Candidate, Material, Round, Sample, Version
from ccit.store.files import FileStore
from ccit.testing import random_model
from ccit.training.lora import LoraTrainer
from ccit.training.stamp import STAMP_FILE
from tests.contract.registered import each, made
from tests.nouns import a_round, version

pytestmark = pytest.mark.trains
CONTEXT = MethodContext("deployed", seed=5)
RELATIVE, ABSOLUTE = 1e-3, 1e-5  # sums of micro-batches of another shape, over a few steps of AdamW


def samples(prefix: str, count: int) -> tuple[Sample, ...]:
    return tuple(
        Sample(f"{prefix}{n}", f"r{n}", "ward", "en", f"What is {prefix} {n}?", f"It is {'very ' * n}{n}.")
        for n in range(count)
    )


MATERIAL = Material(samples("new", 4), (), {"replay": samples("old", 2)})


class Killed(Exception):
    """Stands for a process that ends."""


def quiet(stage: str, done: int, total: int) -> None:
    pass


def kill_in_the_second(stage: str, done: int, total: int) -> None:
    if (stage, done) == ("train proxy", 1):
        raise Killed


@dataclass(frozen=True)
class Bench:
    """The tiny models, and a round over them."""

    config: Config
    bases: BaseModels
    base: Version

    @property
    def planned(self) -> Round:
        ids = tuple(s.sample_id for s in MATERIAL.training)
        base = self.base
        return replace(a_round(0, ids), base_revision=base.base_revision, proxy_revision=base.proxy_revision)

    def settings(self, entry: Plugin | None, **more: int) -> Training:
        methods = [] if entry is None else [entry.settings().model_dump()]
        return Training.model_validate(self.config.training.model_dump() | {"methods": methods} | more)

    def train(
        self,
        root: Path,
        settings: Training,
        progress: Callable[[str, int, int], None] = quiet,
        parent: Version | None = None,
    ) -> Candidate:
        trainer = LoraTrainer(settings, self.bases, FileStore(root), root / "work")
        return trainer.train(self.planned, MATERIAL, parent or self.base, progress)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("methods")
    deployed, proxy = (random_model(root / role, hidden=16, layers=1, seed=n) for n, role in enumerate(("d", "p")))
    config = Config.model_validate(
        {
            "models": {"deployed": str(deployed), "proxy": str(proxy), "device": "cpu", "threads": 1},
            "selection": {"checks": {"length": False}},
            "training": {
                "rank": 2,
                "alpha": 4,
                "learning_rate": 0.01,
                "proxy_learning_rate": 0.01,
                "epochs": 1,
                "batch_size": 2,
                "max_tokens": 96,
                "checkpoint_steps": 1,
            },
        }
    )
    base = replace(version(0), base_revision=revision_of(str(deployed), ""), proxy_revision=revision_of(str(proxy), ""))
    return Bench(config, BaseModels(config.models), base)


@pytest.fixture(scope="module")
def trained(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plugin], tuple[Path, Candidate]]:
    """One training of each method, for several tests."""
    done: dict[str, tuple[Path, Candidate]] = {}

    def of(entry: Plugin) -> tuple[Path, Candidate]:
        if entry.kind not in done:
            root = tmp_path_factory.mktemp(entry.kind)
            done[entry.kind] = (root, bench.train(root, bench.settings(entry)))
        return done[entry.kind]

    return of


def weights_of(root: Path, adapters: AdapterPair) -> dict[str, torch.Tensor]:
    return read_adapter(FileStore(root).read(adapters.deployed))[1]


Trained = Callable[[Plugin], tuple[Path, Candidate]]


@each("method")
def test_the_base_is_not_changed(entry: Plugin, bench: Bench, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in bench.bases.deployed.model.state_dict().items()}
    bench.train(tmp_path, bench.settings(entry))
    after = bench.bases.deployed.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@each("method")
def test_the_same_round_is_the_same_candidate(entry: Plugin, bench: Bench, trained: Trained, tmp_path: Path) -> None:
    torch.manual_seed(77)  # the global random state must not matter
    again = bench.train(tmp_path, bench.settings(entry))
    assert again.adapters == trained(entry)[1].adapters
    assert again.losses == trained(entry)[1].losses


@each("method")
def test_a_killed_round_goes_on_from_its_checkpoint_and_ends_the_same(
    entry: Plugin, bench: Bench, trained: Trained, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        bench.train(tmp_path, bench.settings(entry), kill_in_the_second)
    steps: list[tuple[str, int]] = []
    resumed = bench.train(tmp_path, bench.settings(entry), lambda *at: steps.append(at[:2]))
    assert resumed.adapters == trained(entry)[1].adapters
    assert resumed.losses == trained(entry)[1].losses
    assert steps[0] == ("train proxy", 2)
    assert {stage for stage, _ in steps} == {"train proxy"}


@each("method")
def test_the_result_does_not_depend_on_the_size_of_micro_batches(
    entry: Plugin, bench: Bench, trained: Trained, tmp_path: Path
) -> None:
    small = bench.train(tmp_path, bench.settings(entry, batch_tokens=64))
    root, large = trained(entry)
    weights = weights_of(root, large.adapters)
    for name, tensor in weights_of(tmp_path, small.adapters).items():
        torch.testing.assert_close(tensor, weights[name], rtol=RELATIVE, atol=ABSOLUTE)


@each("method")
def test_what_it_makes_is_finite_and_loads_as_an_adapter(entry: Plugin, bench: Bench, trained: Trained) -> None:
    root, candidate = trained(entry)
    files = FileStore(root).read(candidate.adapters.deployed)
    view = with_adapter(bench.bases.deployed, files)
    assert view.shape is not None
    assert all(bool(torch.isfinite(tensor).all()) for tensor in read_adapter(files)[1].values())
    assert all(loss == loss for loss in candidate.losses.values())
    beside = set(files) - {"adapter_config.json", "adapter_model.safetensors", STAMP_FILE}
    assert all(name.startswith(f"methods/{entry.kind}/") for name in beside)


@each("method")
def test_the_next_round_goes_on_from_what_it_made(entry: Plugin, bench: Bench, trained: Trained) -> None:
    root, first = trained(entry)
    parent = replace(bench.base, number=1, parent=0, adapters=first.adapters)
    second = bench.train(root, bench.settings(entry), parent=parent)
    assert second.adapters != first.adapters


@each("method")
def test_its_state_goes_round(entry: Plugin, bench: Bench) -> None:
    method, weights = _stepped(entry, bench)
    state = {name: tensor.clone() for name, tensor in method.state().items()}
    again, _, _ = _prepared(entry, bench)
    again.load_state(state)
    held = again.state()
    assert list(held) == list(state)
    assert all(torch.equal(held[name], tensor) for name, tensor in state.items())
    assert _listed(again.adapter(weights)) == _listed(method.adapter(weights))
    again.finish(), method.finish()
    assert again.spent() == method.spent()


@each("method")
@pytest.mark.parametrize("epochs", [1, 3])
def test_an_epoch_visits_examples_that_there_are(entry: Plugin, bench: Bench, epochs: int) -> None:
    method, _, start = _prepared(entry, bench)
    numbers = list(range(len(start.examples)))[::-1]
    orders = [method.order(numbers, start.examples, epoch, epochs) for epoch in range(epochs)]
    assert all(order and set(order) <= set(numbers) for order in orders)
    assert set(orders[-1]) == set(numbers)  # nothing that was let in is never learned
    assert [method.order(numbers, start.examples, epoch, epochs) for epoch in range(epochs)] == orders


def _prepared(entry: Plugin, bench: Bench) -> tuple[Method, CausalModel, TrainingStart]:
    """At the start of a training on a tiny model, with an example of each part."""
    base = bench.bases.deployed
    view = trainable(base, 2, 4, 0.0, "all-linear", seed=1)
    weights = {name: weight for name, weight in view.model.named_parameters() if weight.requires_grad}
    method: Method = made(entry, CONTEXT)
    examples = method.examples(
        [Example(sample, part, encode(base.chat, sample, 96)) for part, sample in MATERIAL.learnable_by_part]
    )
    start = TrainingStart(view, weights, examples, {})
    method.prepare(start)
    return method, view, start


def _stepped(entry: Plugin, bench: Bench) -> tuple[Method, dict[str, torch.Tensor]]:
    """After two steps of plain gradient descent, with the weights that they led to."""
    method, view, start = _prepared(entry, bench)
    for _ in range(2):
        states, targets = response_states(view, [example.row for example in start.examples])
        losses = losses_at(view.head, states, targets)
        loss = method.loss(losses.mean(), MicroBatch(start.examples, losses, 1.0, states))
        assert bool(torch.isfinite(loss))
        loss.backward()
        method.after_backward()
        with torch.no_grad():
            for weight in start.weights.values():
                weight.sub_(0.1 * weight.grad)
                weight.grad = None
        method.after_step()
    return method, dict(start.weights)


def _listed(weights: Mapping[str, torch.Tensor]) -> dict[str, list[object]]:
    return {name: weight.tolist() for name, weight in weights.items()}

"""What settings and methods change of a round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ccit.config import Config, Training
from ccit.models.adapter_format import read_adapter
from ccit.models.bases import BaseModels
from ccit.ports.training import Method, MicroBatch, TrainingStart
from ccit.records import Material, Version
from ccit.store.files import FileStore
from ccit.training.applied import AppliedMethods
from ccit.training.lora import LoraTrainer
from tests.unit.training.tiny_rounds import Plan, quiet, trainer

pytestmark = pytest.mark.trains


class Counting(Method):
    """Counts the hooks that the loop calls, and leaves the count with the version."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.found: Mapping[str, bytes] = {}
        self.parts: list[str] = []

    def prepare(self, start: TrainingStart) -> None:
        self.calls["prepare"] += 1
        self.found = start.files
        self.parts = [example.part for example in start.examples]

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        self.calls["loss"] += 1
        return loss + 1000.0 * batch.share  # no gradient: it must not show in the losses that are reported

    def after_backward(self) -> None:
        self.calls["after_backward"] += 1

    def after_step(self) -> None:
        self.calls["after_step"] += 1

    def finish(self) -> Mapping[str, bytes]:
        return {"count": str(self.calls["after_step"]).encode()}


def test_a_method_is_called_at_its_places_and_its_files_travel_with_the_version(
    config: Config,
    bases: BaseModels,
    plan: Plan,
    material: Material,
    base_version: Version,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = trainer(config, bases, tmp_path / "plain").train(plan(0), material, base_version, quiet)
    made: list[Counting] = []

    def counting(settings: object, context: object, files: Mapping[str, bytes]) -> AppliedMethods:
        made.append(Counting())
        return AppliedMethods({"counting": made[-1]}, files)

    monkeypatch.setattr("ccit.training.lora.AppliedMethods.made", counting)
    first = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    assert first.losses == plain.losses
    assert made[0].calls.pop("loss") > 8  # once for each micro-batch
    assert made[0].calls == {"prepare": 1, "after_backward": 8, "after_step": 8}
    assert made[0].parts == 8 * ["training"] + 4 * ["general"] + 2 * ["replay"]
    stored = FileStore(tmp_path).read(first.adapters.deployed)
    assert stored["methods/counting/count"] == b"8"
    parent = replace(base_version, number=1, parent=0, adapters=first.adapters)
    trainer(config, bases, tmp_path).train(plan(1), material, parent, quiet)
    assert [method.found for method in made] == [{}, {}, {"count": b"8"}, {"count": b"8"}]


def test_a_pull_to_the_incumbent_keeps_the_weights_near_it(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    """B is 0 in fresh weights, so its size is how far training went."""

    def size_of_b(strength: float) -> float:
        methods = [{"kind": "l2_to_incumbent", "strength": strength}]
        settings = Training.model_validate(config.training.model_dump() | {"methods": methods})
        store = FileStore(tmp_path / str(strength))
        trained = LoraTrainer(settings, bases, store, tmp_path / str(strength) / "work").train(
            plan(0), material, base_version, quiet
        )
        tensors = read_adapter(store.read(trained.adapters.deployed))[1]
        return sum(tensor.square().sum().item() for name, tensor in tensors.items() if "lora_B" in name)

    assert size_of_b(10.0) < 0.5 * size_of_b(0.0)


BOTH = {"deployed", "proxy"}


@pytest.mark.parametrize(
    ("key", "value", "moved"),
    [
        ("learning_rate", 0.02, {"deployed"}),
        ("proxy_learning_rate", 0.02, {"proxy"}),
        ("dropout", 0.5, BOTH),
        ("alpha", 16, BOTH),
        ("max_grad_norm", 0.01, BOTH),
        ("warmup_share", 0.9, BOTH),
        ("batch_size", 3, BOTH),
        ("max_tokens", 40, BOTH),
        ("checkpoint_steps", 1, set()),
    ],
)
def test_each_setting_reaches_what_it_is_for(
    config: Config,
    bases: BaseModels,
    plan: Plan,
    material: Material,
    base_version: Version,
    tmp_path: Path,
    key: str,
    value: float,
    moved: set[str],
) -> None:
    def weights(update: dict[str, float]) -> dict[str, str]:
        settings = config.training.model_copy(update={"epochs": 1, **update})
        root = tmp_path / str(len(update))
        one = LoraTrainer(settings, bases, FileStore(root), root / "work")
        pair = one.train(plan(0), material, base_version, quiet).adapters
        name = "adapter_model.safetensors"
        return {"deployed": pair.deployed.files[name], "proxy": pair.proxy.files[name]}

    usual, other = weights({}), weights({key: value})
    assert {role for role in BOTH if usual[role] != other[role]} == moved


def test_a_round_from_the_base_begins_with_an_imported_adapter_on_the_deployed_model_alone(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    fresh = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    settings = config.training.model_copy(update={"start": fresh.adapters.deployed.uri})
    store = FileStore(tmp_path)
    begun = LoraTrainer(settings, bases, store, tmp_path / "work").train(plan(0), material, base_version, quiet)
    assert begun.losses["deployed_first"] < fresh.losses["deployed_first"]
    assert begun.adapters.proxy == fresh.adapters.proxy
    parent = replace(base_version, number=1, parent=0, adapters=fresh.adapters)
    later = LoraTrainer(settings, bases, store, tmp_path / "work").train(plan(1), material, parent, quiet)
    assert later.losses["proxy_first"] < fresh.losses["proxy_first"]  # from the parent, whatever `start` says

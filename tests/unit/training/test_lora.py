import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ccit.config import Config, Training
from ccit.errors import ModelUnusable, StorageFailed, TrainingFailed
from ccit.failpoints import Armed
from ccit.models.adapter_format import read_adapter
from ccit.models.bases import BaseModels
from ccit.models.causal import with_adapter
from ccit.models.encoding import encode
from ccit.models.likelihood import response_losses
from ccit.ports.training import Method, MicroBatch, TrainingStart
from ccit.records import Candidate, Material, Round, Version
from ccit.store.files import FileStore
from ccit.store.pruning import KEPT
from ccit.training.applied import AppliedMethods
from ccit.training.lora import LoraTrainer

pytestmark = pytest.mark.trains
Plan = Callable[[int], Round]


def quiet(stage: str, done: int, total: int) -> None:
    pass


def trainer(config: Config, bases: BaseModels, root: Path) -> LoraTrainer:
    return LoraTrainer(config.training, bases, FileStore(root), root / "work")


def digests(candidate: Candidate) -> list[dict[str, str]]:
    return [dict(candidate.adapters.deployed.files), dict(candidate.adapters.proxy.files)]


class Killed(Exception):
    """Stands for a process that ends."""


def killer(stage: str, at: int) -> Callable[[str, int, int], None]:
    def progress(now: str, done: int, total: int) -> None:
        if (now, done) == (stage, at):
            raise Killed

    return progress


def test_both_models_learn_the_round(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    store = FileStore(tmp_path)
    stages: list[tuple[str, int, int]] = []
    candidate = LoraTrainer(config.training, bases, store, tmp_path / "work").train(
        plan(0), material, base_version, lambda *stage: stages.append(stage)
    )
    losses = candidate.losses
    assert losses["deployed_last"] < losses["deployed_first"]
    assert losses["proxy_last"] < losses["proxy_first"]
    assert stages[7] == ("train deployed", 8, 8)  # 14 samples, 4 a step, 2 epochs
    assert stages[-1] == ("train proxy", 8, 8)
    assert candidate.training.tokens > 2 * 2 * sum(len(s.response) for s in material.training)
    model = with_adapter(bases.deployed, store.read(candidate.adapters.deployed))
    rows = [encode(model.chat, s, 128) for s in material.training]
    with torch.no_grad():
        assert response_losses(model, rows).mean() < response_losses(bases.deployed, rows).mean()


def test_same_round_same_bytes_and_another_seed_others(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    def train(seed: int, where: str) -> Candidate:
        torch.manual_seed(len(where))  # the global random state must not matter
        return trainer(config, bases, tmp_path / where).train(plan(seed), material, base_version, quiet)

    first, again, other = train(0, "first"), train(0, "again"), train(1, "other")
    assert digests(first) == digests(again)
    assert first.training == again.training
    assert first.losses == again.losses
    assert digests(first) != digests(other)


@pytest.mark.parametrize(("stage", "at"), [("train deployed", 3), ("train deployed", 8), ("train proxy", 5)])
def test_a_killed_round_goes_on_and_ends_the_same(
    config: Config,
    bases: BaseModels,
    plan: Plan,
    material: Material,
    base_version: Version,
    tmp_path: Path,
    stage: str,
    at: int,
) -> None:
    dropout = config.model_copy(update={"training": config.training.model_copy(update={"dropout": 0.1})})
    whole = trainer(dropout, bases, tmp_path / "whole").train(plan(0), material, base_version, quiet)
    with pytest.raises(Killed):
        trainer(dropout, bases, tmp_path / "killed").train(plan(0), material, base_version, killer(stage, at))
    steps: list[tuple[str, int]] = []
    resumed = trainer(dropout, bases, tmp_path / "killed").train(
        plan(0), material, base_version, lambda *at: steps.append(at[:2])
    )
    assert digests(resumed) == digests(whole)
    assert resumed.losses == whole.losses
    assert resumed.training == whole.training
    assert (stage, at - 2) not in steps  # not from the start: a checkpoint is at most two steps old


@pytest.mark.parametrize("point", ["training.checkpointed@6", "training.adapter_stored", "training.finished"])
def test_a_round_that_a_fault_ended_at_any_point_goes_on_and_ends_the_same(
    config: Config,
    bases: BaseModels,
    plan: Plan,
    material: Material,
    base_version: Version,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    """As a kill would, but in this process; `test_process.py` does it with SIGKILL."""
    whole = trainer(config, bases, tmp_path / "whole").train(plan(0), material, base_version, quiet)
    monkeypatch.setattr("ccit.failpoints._armed", Armed.parse(f"{point}:raise"))
    with pytest.raises(OSError, match="failpoint"):
        trainer(config, bases, tmp_path / "fault").train(plan(0), material, base_version, quiet)
    monkeypatch.setattr("ccit.failpoints._armed", None)
    resumed = trainer(config, bases, tmp_path / "fault").train(plan(0), material, base_version, quiet)
    assert digests(resumed) == digests(whole)


def test_the_folders_of_the_newest_rounds_are_kept(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    for age in range(KEPT + 2):
        folder = work / f"{age:016x}"
        folder.mkdir(parents=True)
        (folder / ".a.checkpoint.1.tmp").touch()
        for path in (folder / ".a.checkpoint.1.tmp", folder):
            os.utime(path, (1000 - age, 1000 - age))
    (work / "answers").mkdir()
    trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    kept = {path.name for path in work.iterdir()}
    assert kept == {"answers", plan(0).round_id, *(f"{age:016x}" for age in range(KEPT - 1))}
    assert not list(work.rglob("*.tmp"))


def test_what_a_kill_left_in_the_work_folder_does_no_harm(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    """A kill in the middle of a write leaves a temporary file; adapters were once gathered in a folder of their own."""
    whole = trainer(config, bases, tmp_path / "whole").train(plan(0), material, base_version, quiet)
    with pytest.raises(Killed):
        trainer(config, bases, tmp_path / "killed").train(plan(0), material, base_version, killer("train proxy", 5))
    (folder,) = (tmp_path / "killed" / "work").iterdir()
    for checkpoint in list(folder.glob("*.checkpoint")):
        leftover = folder / checkpoint.stem / ".adapter_model.safetensors.0a1b.tmp"
        leftover.parent.mkdir()
        leftover.write_bytes(b"half")
    resumed = trainer(config, bases, tmp_path / "killed").train(plan(0), material, base_version, quiet)
    assert digests(resumed) == digests(whole)


def test_a_finished_round_is_not_trained_again(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    first = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    again = trainer(config, bases, tmp_path).train(plan(0), material, base_version, killer("train deployed", 1))
    assert again == first
    assert [p.suffix for p in (tmp_path / "work" / first.round_id).iterdir()] == [".json"]


def test_a_finished_round_whose_adapter_is_damaged_is_trained_again(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    first = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    weights = first.adapters.proxy.files["adapter_model.safetensors"]
    (tmp_path / "objects" / weights).write_bytes(b"damaged")
    again = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    assert digests(again) == digests(first)
    assert FileStore(tmp_path).read(again.adapters.proxy)


def test_the_next_round_continues_from_the_parent(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    first = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    parent = replace(base_version, number=1, parent=0, adapters=first.adapters)
    second = trainer(config, bases, tmp_path).train(plan(0), material, parent, quiet)
    assert second.losses["deployed_first"] < first.losses["deployed_first"]
    assert digests(second) != digests(first)


def test_a_round_that_diverges_fails_and_leaves_no_candidate(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    settings = config.training.model_copy(update={"learning_rate": 1e38, "warmup_share": 0.0})
    with pytest.raises(TrainingFailed, match=r"lower training\.learning_rate"):
        LoraTrainer(settings, bases, FileStore(tmp_path), tmp_path / "work").train(
            plan(0), material, base_version, quiet
        )
    assert not list(tmp_path.rglob("candidate-*"))


def test_another_base_model_is_refused(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnusable, match="was planned for"):
        trainer(config, bases, tmp_path).train(
            replace(plan(0), base_revision="sha256:other"), material, base_version, quiet
        )


def test_a_round_without_samples_is_refused(
    config: Config, bases: BaseModels, plan: Plan, base_version: Version, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnusable, match="no sample"):
        trainer(config, bases, tmp_path).train(plan(0), Material((), ()), base_version, quiet)


def test_a_full_disk_at_a_checkpoint_is_one_sentence(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed, match="free space"):
        trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)


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


def test_losses_are_finite_numbers(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    candidate = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    assert set(candidate.losses) == {"deployed_first", "deployed_last", "proxy_first", "proxy_last"}
    assert all(math.isfinite(loss) for loss in candidate.losses.values())


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

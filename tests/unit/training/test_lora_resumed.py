"""A round that was killed goes on, and one that is finished is not trained again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.errors import StorageFailed
from ccit.failpoints import Armed
from ccit.models.bases import BaseModels
from ccit.records import Material, Version
from ccit.store.files import FileStore
from ccit.store.pruning import KEPT
from tests.unit.training.tiny_rounds import Plan, digests, quiet, trainer

pytestmark = pytest.mark.trains


class Killed(Exception):
    """Stands for a process that ends."""


def killer(stage: str, at: int) -> Callable[[str, int, int], None]:
    def progress(now: str, done: int, total: int) -> None:
        if (now, done) == (stage, at):
            raise Killed

    return progress


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


def test_a_full_disk_at_a_checkpoint_is_one_sentence(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed, match="free space"):
        trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)

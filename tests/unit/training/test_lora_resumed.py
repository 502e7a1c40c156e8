"""A round that was killed goes on, and one that is finished is not trained again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccit.errors import StorageFailed
from ccit.failpoints import Armed
from ccit.store.files import FileStore
from ccit.store.pruning import KEPT
from tests.unit.training.tiny_rounds import TinyRounds, digests

pytestmark = pytest.mark.trains


class Killed(Exception):
    """Stands for a process that ends."""


def killer(stage: str, at: int) -> Callable[[str, int, int], None]:
    def progress(now: str, done: int, total: int) -> None:
        if (now, done) == (stage, at):
            raise Killed

    return progress


@pytest.mark.parametrize(("stage", "at"), [("train deployed", 3), ("train deployed", 8), ("train proxy", 5)])
def test_a_killed_round_goes_on_and_ends_the_same(rounds: TinyRounds, tmp_path: Path, stage: str, at: int) -> None:
    dropout = rounds.settings(dropout=0.1)
    whole = rounds.train(tmp_path / "whole", settings=dropout)
    with pytest.raises(Killed):
        rounds.train(tmp_path / "killed", settings=dropout, progress=killer(stage, at))
    steps: list[tuple[str, int]] = []
    resumed = rounds.train(tmp_path / "killed", settings=dropout, progress=lambda *at: steps.append(at[:2]))
    assert digests(resumed) == digests(whole)
    assert resumed.losses == whole.losses
    assert resumed.training == whole.training
    assert (stage, at - 2) not in steps  # not from the start: a checkpoint is at most two steps old


@pytest.mark.parametrize("point", ["training.checkpointed@6", "training.adapter_stored", "training.finished"])
def test_a_round_that_a_fault_ended_at_any_point_goes_on_and_ends_the_same(
    rounds: TinyRounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """As a kill would, but in this process; `test_process.py` does it with SIGKILL."""
    whole = rounds.train(tmp_path / "whole")
    monkeypatch.setattr("ccit.failpoints._armed", Armed.parse(f"{point}:raise"))
    with pytest.raises(OSError, match="failpoint"):
        rounds.train(tmp_path / "fault")
    monkeypatch.setattr("ccit.failpoints._armed", None)
    resumed = rounds.train(tmp_path / "fault")
    assert digests(resumed) == digests(whole)


def test_the_folders_of_the_newest_rounds_are_kept(rounds: TinyRounds, tmp_path: Path) -> None:
    work = tmp_path / "work"
    for age in range(KEPT + 2):
        folder = work / f"{age:016x}"
        folder.mkdir(parents=True)
        (folder / ".a.checkpoint.1.tmp").touch()
        for path in (folder / ".a.checkpoint.1.tmp", folder):
            os.utime(path, (1000 - age, 1000 - age))
    (work / "answers").mkdir()
    rounds.train(tmp_path)
    kept = {path.name for path in work.iterdir()}
    assert kept == {"answers", rounds.plan(0).round_id, *(f"{age:016x}" for age in range(KEPT - 1))}
    assert not list(work.rglob("*.tmp"))


def test_what_a_kill_left_in_the_work_folder_does_no_harm(rounds: TinyRounds, tmp_path: Path) -> None:
    """A kill in the middle of a write leaves a temporary file; adapters were once gathered in a folder of their own."""
    whole = rounds.train(tmp_path / "whole")
    with pytest.raises(Killed):
        rounds.train(tmp_path / "killed", progress=killer("train proxy", 5))
    (folder,) = (tmp_path / "killed" / "work").iterdir()
    for checkpoint in list(folder.glob("*.checkpoint")):
        leftover = folder / checkpoint.stem / ".adapter_model.safetensors.0a1b.tmp"
        leftover.parent.mkdir()
        leftover.write_bytes(b"half")
    resumed = rounds.train(tmp_path / "killed")
    assert digests(resumed) == digests(whole)


def test_a_finished_round_is_not_trained_again(rounds: TinyRounds, tmp_path: Path) -> None:
    first = rounds.train(tmp_path)
    again = rounds.train(tmp_path, progress=killer("train deployed", 1))
    assert again == first
    assert [p.suffix for p in (tmp_path / "work" / first.round_id).iterdir()] == [".json"]


def test_a_finished_round_whose_adapter_is_damaged_is_trained_again(rounds: TinyRounds, tmp_path: Path) -> None:
    first = rounds.train(tmp_path)
    weights = first.adapters.proxy.files["adapter_model.safetensors"]
    (tmp_path / "objects" / weights).write_bytes(b"damaged")
    again = rounds.train(tmp_path)
    assert digests(again) == digests(first)
    assert FileStore(tmp_path).read(again.adapters.proxy)


def test_a_full_disk_at_a_checkpoint_is_one_sentence(rounds: TinyRounds, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed, match="free space"):
        rounds.train(tmp_path)

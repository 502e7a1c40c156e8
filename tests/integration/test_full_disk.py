"""A full disk, or an fsync that fails, at each step of a write: under the scorer's snapshot, the trainer's artifacts
and the training process's checkpoint. Real processes on real Apache Kafka; the laws are those of the crash matrix.
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumers.kafka.clients import KafkaSettings
from tests.crash.slot import Slot
from tests.crash.system import ROUND_SIZE, System
from tests.integration.test_training_kills import sections as tiny_models

STEPS = ("store.written", "store.synced", "store.renamed")
"""Of one file: its bytes do not fit, they cannot be synced, the folder cannot be."""

SNAPSHOTS = {"store": {"snapshot_seconds": 0.2}}
A_FEW, FOR_A_ROUND, FOR_ROUNDS = 30, 100, 250  # records
_WAIT_S = 60.0
_CHUNK = 64 * 1024  # bytes


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not done():
        assert time.monotonic() < deadline, f"{what} should have come by now"
        time.sleep(0.05)


def feed(system: System, more: int) -> None:
    system.feed.up_to(system.feed.published + more)
    system.feed.flush()


def ends_with_its_sentence(trainer: Slot) -> None:
    """Exit code 1, and the last line says what did not fit where, and what to do."""
    death = trainer.wait(_WAIT_S)
    assert death.code == 1, trainer.log
    assert death.said.startswith("ccit: ")
    assert os.strerror(errno.ENOSPC) in death.said
    assert "free space there or set store.root" in death.said
    assert "Traceback" not in trainer.said()


def open_round(system: System) -> str:
    """The round that is planned and has no outcome."""
    found: set[str] = set()

    def planned() -> bool:
        system.ledger.poll()
        found.update(one.round_id for one in system.ledger.planned)
        found.difference_update(system.ledger.outcomes)
        return len(found) == 1

    until(planned, "one round without an outcome")
    return found.pop()


@pytest.fixture
def system(settings: KafkaSettings, tmp_path: Path) -> Iterator[System]:
    with System(settings, tmp_path, sections=SNAPSHOTS) as one:
        one.slot("ingest", "ingest").start()
        yield one


def test_a_scorer_decides_on_without_a_snapshot(system: System) -> None:
    """It says so, and writes the next one; one that starts again knows everything, whatever the failed write left."""
    scorer = system.slot("score", "score-a")
    for step in STEPS:
        scorer.start(f"{step}:raise")
        feed(system, A_FEW)
        scorer.await_said("no snapshot: ")
        assert os.strerror(errno.ENOSPC) in scorer.said()
        feed(system, A_FEW)
        system.settle(_WAIT_S, rounds=False)
        scorer.await_said("ccit.score snapshot of")
        scorer.terminate()
        assert scorer.wait(_WAIT_S).code == 0
    assert "samples known from a snapshot" in scorer.said()
    assert system.truth().total == 0, system.truth()


def test_a_trainer_ends_with_a_sentence_and_takes_its_round_up_again(system: System) -> None:
    """What it could not store is promoted by nobody."""
    system.slot("score", "score-a").start()
    feed(system, FOR_ROUNDS)
    trainer = system.slot("train", "train-a")
    taken_up: list[str] = []
    for step in STEPS[1:]:
        trainer.start(f"{step}:raise")
        ends_with_its_sentence(trainer)
        assert all(f"round {one} is taken up again" in trainer.said() for one in taken_up[-1:])
        taken_up.append(open_round(system))
    trainer.start()
    system.settle(_WAIT_S)
    assert f"round {taken_up[-1]} is taken up again" in trainer.said()
    assert system.ledger.outcomes.keys() >= set(taken_up)
    assert system.truth().total == 0, system.truth()


def test_a_disk_that_is_full_until_somebody_frees_it(settings: KafkaSettings, tmp_path: Path) -> None:
    """Scorer and trainer share it: decisions go on, the trainer ends, and with space all goes on."""
    with SmallDisk(tmp_path / "store") as disk, System(settings, tmp_path, sections=SNAPSHOTS) as system:
        disk.fill()
        system.slot("ingest", "ingest").start()
        scorer, trainer = system.slot("score", "score-a"), system.slot("train", "train-a")
        scorer.start(disk.failpoint)
        feed(system, FOR_A_ROUND)
        scorer.await_said("no snapshot: ")
        system.settle(_WAIT_S, rounds=False)
        assert system.ledger.waiting >= ROUND_SIZE
        trainer.start(disk.failpoint)
        ends_with_its_sentence(trainer)
        stuck = open_round(system)
        disk.free()
        trainer.start()
        system.settle(_WAIT_S)
        scorer.await_said("ccit.score snapshot of")
        assert system.ledger.outcomes[stuck] == 1
        assert system.truth().total == 0, system.truth()
        for slot in (scorer, trainer):
            slot.end()


def test_a_checkpoint_that_does_not_fit_ends_the_trainer_not_the_round(settings: KafkaSettings, tmp_path: Path) -> None:
    """In the training process, without a stub: the last checkpoint stays, and the next life goes on from there."""
    models = tiny_models(tmp_path)
    with System(settings, tmp_path, sections=models, fails=lambda _: False) as system:
        for role in ("ingest", "score"):
            system.slot(role, role).start()
        feed(system, A_FEW + ROUND_SIZE)
        trainer = system.slot("train-lora", "train-a")
        trainer.start(
            "store.synced@3:raise"
        )  # the size of micro-batches, then the second checkpoint; the parent writes nothing
        ends_with_its_sentence(trainer)
        stuck = open_round(system)
        assert trainer.said().count(f"round {stuck}: train deployed 1/") == 1
        trainer.start()
        system.settle(_WAIT_S)
        assert f"round {stuck} is taken up again" in trainer.said()
        assert f"round {stuck}: train deployed 1/" not in trainer.said()
        assert system.ledger.outcomes[stuck] == 1
        assert system.truth().total == 0, system.truth()


class SmallDisk:
    """A file system of a megabyte at a folder, where this user may mount one; elsewhere writes fail by a failpoint.

    `failpoint` is what a process has to be started with while the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._filler = folder / "filler"
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
        self._mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
        self.failpoint = "" if self._mounted else "store.written:raise"

    def fill(self) -> None:
        """To the last byte."""
        if not self._mounted:
            return
        (self._folder / "objects").mkdir()
        (self._folder / "snapshots").mkdir()
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(_CHUNK))
            except OSError as full:
                assert full.errno == errno.ENOSPC  # noqa: PT017 - nothing else may have gone wrong

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(self, *_: object) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True)

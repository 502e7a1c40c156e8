"""The training process killed at each of its failpoints, and the trainer with it, as a power cut takes both.

Nothing of the trainer is a stub here: a child process trains both adapters of two tiny models by transformers and peft
and answers the suite. One round goes through all the points, one life after the other; each life has to go on where the
last one stood, and the last life publishes. Then the version is made again in one go, from its manifest: the bytes of a
training that was killed at every point are those of one that was not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccit.testing import random_model
from consumers.broker.local import LocalKafka
from tests.crash.feed import value_of
from tests.crash.laws import Breaches
from tests.crash.points import POINTS
from tests.crash.slot import ROOT, Death, Slot
from tests.crash.system import System

POINTS_HERE = POINTS["train-lora"]
PASS = {"training.checkpointed": 2}  # of an adapter's checkpoints, so that there is something to go on from
CHECKPOINT_STEPS = 2
IN_THE_SECOND_ADAPTER = 7  # checkpoints; either adapter of the second round has six, so the next life has fewer left
FIRST_ROUND, SECOND_ROUND = 50, 100  # records that make one and two rounds
_WAIT_S = 120.0
_STEPS = re.compile(r"round (?P<round>\w+): train (?P<adapter>\w+) (?P<done>\d+)/(?P<total>\d+)")


def sections(folder: Path) -> dict[str, dict[str, object]]:
    """Two tiny models, and a suite of questions that what the feed says answers."""
    deployed = random_model(folder / "deployed", hidden=32)
    proxy = random_model(folder / "proxy", hidden=16, seed=1)
    suite = folder / "suite.jsonl"
    told = [json.loads(value_of(number)) for number in range(1000, 1060) if number % 23]
    questions = [
        {
            "question_id": row["id"],
            "group": "ward",
            "prompt": row["instruction"],
            "answer": row["output"],
            "choices": [row["output"], row["output"].swapcase()[::-1]],
        }
        for row in told
    ]
    suite.write_text("".join(json.dumps(question) + "\n" for question in questions), "utf-8")
    return {
        "models": {"deployed": str(deployed), "proxy": str(proxy), "device": "cpu", "threads": 1},
        "selection": {"checks": {"length": False}},
        "training": {
            "rank": 4,
            "alpha": 8,
            "learning_rate": 0.01,
            "proxy_learning_rate": 0.01,
            "epochs": 3,
            "batch_tokens": "auto",  # chosen by the first life, and kept by the others and by the rebuild
            "batch_size": 4,
            "max_tokens": 192,
            "checkpoint_steps": CHECKPOINT_STEPS,
        },
        "evaluation": {"suites": {"domain": str(suite)}, "max_new_tokens": 4},
    }


@dataclass(frozen=True, slots=True)
class Life:
    """What one process of the trainer did before it died."""

    death: Death | None
    said: str

    @property
    def steps(self) -> list[tuple[str, int, int]]:
        """Reported (adapter, steps done, steps in all), in order."""
        return [(m["adapter"], int(m["done"]), int(m["total"])) for m in _STEPS.finditer(self.said)]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the lives left."""

    lives: dict[str, Life]  # by the point each was armed with; "" for the last, which was armed with none
    survivor: Life  # the second round's: its training process alone was killed
    rounds: list[str]  # planned, repeats included
    outcomes: dict[str, int]
    promoted: set[int]
    breaches: Breaches
    rebuilt: subprocess.CompletedProcess[str]


def run(system: System) -> Aftermath:
    for role in ("ingest", "score"):
        system.slot(role, role).start()
    trainer = system.slot("train-lora", "train-lora")
    system.feed.up_to(FIRST_ROUND)
    lives = {}
    for point in POINTS_HERE:
        trainer.start(f"{point}@{PASS.get(point, 1)}")
        death = until(system, trainer, rounds=1)
        lives[point] = Life(death, trainer.said())
    trainer.start()
    lives[""] = Life(until(system, trainer, rounds=1), trainer.said())
    trainer.end()
    survivor = system.slot("train-lora-survives", "train-lora")
    survivor.start(f"training.checkpointed@{IN_THE_SECOND_ADAPTER}")
    system.feed.up_to(SECOND_ROUND)
    second = Life(until(system, survivor, rounds=2), survivor.said())
    system.settle(_WAIT_S)
    ledger = system.ledger
    return Aftermath(
        lives,
        second,
        [planned.round_id for planned in ledger.planned],
        dict(ledger.outcomes),
        ledger.promoted,
        system.truth(),
        rebuild(system, 1),
    )


def rebuild(system: System, number: int) -> subprocess.CompletedProcess[str]:
    """`ccit rebuild`, in a process of its own."""
    command = ["-m", "ccit.cli.main", "rebuild", str(number), "--config", str(system.config), "--json"]
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def until(system: System, trainer: Slot, rounds: int) -> Death | None:
    """Return once the trainer has died, or so many rounds have an outcome: then it lives, and this is None."""
    deadline = time.monotonic() + _WAIT_S
    while (death := trainer.poll()) is None:
        system.ledger.poll()
        if len(system.ledger.outcomes) >= rounds:
            return None
        assert time.monotonic() < deadline, f"{trainer.armed or 'unarmed'}: neither dead nor done; see {trainer.log}"
        time.sleep(0.05)
    return death


@pytest.fixture(scope="module")
def aftermath(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("training-kills")
    with System(kafka.settings("training."), folder, sections=sections(folder), fails=lambda _: False) as system:
        yield run(system)


@pytest.mark.parametrize("point", POINTS_HERE)
def test_was_killed_there(aftermath: Aftermath, point: str) -> None:
    """Seen: the training process says on stderr where it strikes, and the trainer's own end is SIGKILL's."""
    death = aftermath.lives[point].death
    assert death is not None, "the round had its outcome without passing this point"
    assert (death.armed, death.at_failpoint, death.by_us) == (point, True, False)


def test_each_life_goes_on_where_the_last_one_stood(aftermath: Aftermath) -> None:
    """From the checkpoint, from the adapter that was finished, from the finished candidate: no step is done again."""
    checkpointed, stored, finished, last = (aftermath.lives[point].steps for point in (*POINTS_HERE, ""))
    reached = CHECKPOINT_STEPS * PASS["training.checkpointed"]
    assert checkpointed[0][:2] == ("deployed", 1)
    assert stored[0][:2] == ("deployed", reached + 1)
    assert stored[-1][1] == stored[-1][2]
    assert finished[0][:2] == ("proxy", 1)
    assert {adapter for adapter, *_ in finished} == {"proxy"}
    assert finished[-1][1] == finished[-1][2]
    assert last == []


def test_it_is_one_round_with_one_outcome(aftermath: Aftermath) -> None:
    first, second = aftermath.outcomes
    assert aftermath.rounds == [first, second]
    assert aftermath.outcomes == {first: 1, second: 1}
    for point in (*POINTS_HERE[1:], ""):
        assert f"round {first} is taken up again" in aftermath.lives[point].said


def test_what_was_resumed_is_worth_a_version(aftermath: Aftermath) -> None:
    """Two halves of a training make an adapter that is judged, promoted and found whole by `ccit verify`."""
    assert 1 in aftermath.promoted


def test_it_comes_out_the_same_when_nothing_kills_it(aftermath: Aftermath) -> None:
    assert aftermath.rebuilt.returncode == 0, aftermath.rebuilt.stderr
    found = json.loads(aftermath.rebuilt.stdout)
    assert (found["version"], found["round_id"], found["notes"]) == (1, aftermath.rounds[0], [])
    for adapter in found["adapters"].values():
        assert adapter["made"] == adapter["announced"]


def test_a_trainer_outlives_its_training_process(aftermath: Aftermath) -> None:
    """As when the kernel is out of memory: the same process tries again, from the checkpoint, and publishes."""
    _, second = aftermath.outcomes
    life = aftermath.survivor
    assert life.death is None
    assert f"round {second}, try 1 of 3: the training process died during the train job (signal 9)" in life.said
    adapters = [adapter for adapter, *_ in life.steps]
    assert [*dict.fromkeys(adapters)] == ["deployed", "proxy"]
    assert adapters == sorted(adapters), "the deployed model's adapter was finished, and trained again"
    assert life.steps[-1][1] == life.steps[-1][2]


def test_nothing_lost_nothing_twice(aftermath: Aftermath) -> None:
    assert aftermath.breaches.total == 0, aftermath.breaches

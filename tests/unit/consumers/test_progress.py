"""What is said of a loop at work, by a clock of the test's own."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import cast

from ccit.records import Spend
from consumers.kafka.backlog import Backlog
from consumers.kafka.batches import BatchLoop
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topics import Topics
from consumers.progress import Progress, ProgressFollower
from consumers.reports import Reporter


class Trial:
    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.loop = SimpleNamespace(
            in_hand=(),
            waiting=0,
            counters=SimpleNamespace(messages=0),
            backlog=SimpleNamespace(on=False, now=Backlog()),
        )
        self.progress = Progress(cast(BatchLoop, self.loop), self.said.append, lambda: self.now)

    def at(self, now: float, decided: int, in_hand: int, behind: int) -> None:
        self.now, self.loop.counters.messages, self.loop.in_hand = now, decided, (None,) * in_hand
        self.loop.backlog.now = Backlog({("records", 0): behind})
        self.progress.look()


def test_a_slow_machine_says_every_ten_seconds_how_far_it_is() -> None:
    trial = Trial()
    trial.at(0.0, 0, 16, 284)
    for second in range(1, 60):  # half a record a second, in batches
        trial.at(second, second // 10 * 5, 5, 295 - second // 10 * 5)
    assert trial.said == [
        "5 decided, 295 to go at 0.5 a second: about 10 min",
        "10 decided, 290 to go at 0.5 a second: about 10 min",
        "15 decided, 285 to go at 0.5 a second: about 10 min",
        "20 decided, 280 to go at 0.5 a second: about 9 min",
        "25 decided, 275 to go at 0.5 a second: about 9 min",
    ]


def test_before_the_first_batch_is_decided_it_says_so() -> None:
    trial = Trial()
    for second in range(25):
        trial.at(second, 0, 16, 284)
    assert trial.said == ["0 decided, 300 to go, the first batch is being scored"] * 2


def test_once_all_is_decided_nothing_is_left_standing() -> None:
    trial = Trial()
    for second in range(12):
        trial.at(second, second, 1, 20)
    for second in range(12, 40):
        trial.at(second, 32, 0, 0)
    assert trial.said == ["10 decided, 21 to go at 1 a second: about 21 s", ""]


def test_what_is_decided_within_ten_seconds_is_not_spoken_of() -> None:
    trial = Trial()
    trial.at(0.0, 0, 16, 10)
    trial.at(5.0, 26, 0, 0)
    trial.at(30.0, 26, 0, 0)
    trial.at(31.0, 26, 0, 0)
    assert trial.said == []


def test_a_scorers_progress_is_heard_and_an_old_one_is_not(settings: KafkaSettings) -> None:
    heard = ProgressFollower(settings)
    old = Reporter(settings, "score", "old", clock=lambda: 1.0)
    old.report("active", 0, 0, "1 decided")
    new, trainer = Reporter(settings, "score", "new"), Reporter(settings, "train", "t")
    new.progress("too early: it is not active yet", Spend())
    new.report("active", 0, 0)
    new.progress("5 decided", Spend(7, 1.0))
    trainer.report("active", 0, 0, "a round")
    new.report("active", 0, 0)
    lines: list[str] = []
    deadline = time.monotonic() + 30.0
    while not lines and time.monotonic() < deadline:
        lines += heard.lines()
        time.sleep(0.02)
    assert lines == ["score-new: 5 decided"]
    heard.close()
    assert Topics(settings.prefix).replica_status.partition == 0

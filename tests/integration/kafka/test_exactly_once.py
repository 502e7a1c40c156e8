"""Exactly once on real Apache Kafka: kill -9 at every step, frozen members, members that come and go."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import pytest

from ccit.failpoints import FAILPOINTS
from consumers.broker.local import LocalKafka
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

RECORDS = 300
KEYS = [str(number).encode() for number in range(RECORDS)]
COMMIT_PATH = [name for name in FAILPOINTS if name.startswith(("batch.", "commit."))]


@pytest.fixture(scope="module")
def aftermath(kafka: LocalKafka, new_trial: Callable[[KafkaSettings], CopyTrial]) -> dict[str, CopyTrial]:
    """One trial per failpoint, all at once: a member killed there at its second batch, then one that finishes."""
    trials = {name: new_trial(kafka.settings(f"{name}.")) for name in COMMIT_PATH}
    for trial in trials.values():
        create_topics(trial.settings)
        trial.publish(RECORDS)
    victims = {name: trial.start("a", failpoint=f"{name}@2") for name, trial in trials.items()}
    for name, victim in victims.items():
        assert victim.wait(60) == -signal.SIGKILL, f"{name} was never hit"
    successors = [(trial, trial.start("a")) for trial in trials.values()]
    for trial, successor in successors:
        trial.await_copies(KEYS)
        trial.finish(successor)
    return trials


@pytest.mark.parametrize("failpoint", COMMIT_PATH)
def test_kill_at_every_step(aftermath: dict[str, CopyTrial], failpoint: str) -> None:
    assert aftermath[failpoint].copied() == Counter(KEYS)


def test_two_members_share_and_one_is_killed(trial: CopyTrial) -> None:
    keys = trial.publish(2000)  # 20 s of one member's work: the other may start as late as that
    first = trial.start("a", batch_size=10, step_s=0.1)
    second = trial.start("b", batch_size=10, step_s=0.1)
    trial.await_some(30, by=b"a")
    trial.await_some(30, by=b"b")
    first.kill()
    more = trial.publish(100, first=2000)
    third = trial.start("a", batch_size=10)
    trial.await_copies(keys + more)
    trial.finish(second)
    trial.finish(third)
    assert trial.copied() == Counter(keys + more)


@pytest.mark.parametrize("thaw_s", [0.0, 0.9], ids=["commits_at_once", "joins_again_first"])
def test_frozen_member_commits_nothing_when_it_wakes(
    trial: CopyTrial, until: Callable[[Callable[[], bool], str], None], thaw_s: float
) -> None:
    """The group gives its partitions away while it is frozen in a step; its batch must not count when it wakes.

    Not even when the client has joined again in the background, for the batch belongs to its membership of before.
    """
    keys = trial.publish(300)
    frozen = trial.start("a", freeze_at=2, thaw_s=thaw_s)
    until(lambda: psutil.Process(frozen.pid).status() == psutil.STATUS_STOPPED, "the member froze")
    other = trial.start("b")
    trial.await_copies(keys)
    frozen.send_signal(signal.SIGCONT)
    more = trial.publish(300, first=300)
    trial.await_copies(keys + more)
    assert trial.finish(frozen)["aborted"] >= 1
    trial.finish(other)
    assert trial.copied() == Counter(keys + more)


def test_partitions_that_left_and_came_back_during_a_step(
    trial: CopyTrial, until: Callable[[Callable[[], bool], str], None]
) -> None:
    """The only member is missed while frozen in a step and joins again before the step ends: its batch comes anew."""
    keys = trial.publish(300)
    frozen = trial.start("a", freeze_at=2, thaw_s=6.0, batch_size=20)
    until(lambda: psutil.Process(frozen.pid).status() == psutil.STATUS_STOPPED, "the member froze")
    until(lambda: trial.members() == 0, "the group missed it")
    frozen.send_signal(signal.SIGCONT)
    trial.await_copies(keys)
    trial.finish(frozen)
    assert trial.copied() == Counter(keys)


def test_step_outlasts_the_poll_interval(trial: CopyTrial) -> None:
    """Each step takes longer than max.poll.interval.ms; the member stays, so nothing is aborted.

    The loop looks up after 1 s: an interval of 1 s would be a race, and one of 2.5 s leaves a loaded machine 1.5 s.
    """
    keys = trial.publish(60)
    member = trial.start("a", client_options={"max.poll.interval.ms": "2500"}, batch_size=60, step_s=4.0)
    trial.await_copies(keys)
    counters = trial.finish(member)
    assert counters["aborted"] == 0
    assert trial.copied() == Counter(keys)


def test_sigterm_leaves_the_group_at_once(trial: CopyTrial) -> None:
    keys = trial.publish(200)
    first = trial.start("a", batch_size=10, step_s=0.05)
    trial.await_some(20)
    trial.finish(first)
    second = trial.start("b")
    trial.await_copies(keys)
    trial.finish(second)
    assert trial.copied() == Counter(keys)

"""Scorers that are taken for dead: one that stood still inside its transaction, and one whose name another took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccit.errors import Fenced
from consumers.kafka.clients import KafkaSettings
from tests.crash.process import FROZEN
from tests.crash.system import System

RECORDS = 24
_WAIT_S = 60.0


@pytest.fixture
def system(settings: KafkaSettings, tmp_path: Path) -> Iterator[System]:
    with System(settings, tmp_path) as one:
        one.slot("ingest", "ingest").start()
        yield one


@pytest.mark.parametrize("point", ["commit.flushed", "commit.offsets_sent"])
def test_one_that_stood_still_in_its_transaction_ends_and_nothing_counts_twice(system: System, point: str) -> None:
    """As a paused virtual machine: the broker ends its transaction, another scorer decides the same records, and only
    then it goes on where it stood."""
    system.feed.up_to(RECORDS)
    system.feed.flush()
    frozen, other = system.slot("score", "score-a"), system.slot("score", "score-b")
    frozen.start(point, freezes=True)
    frozen.await_said(FROZEN)
    other.start()
    system.settle(_WAIT_S, rounds=False)  # not before the transaction is ended: readers wait behind what is open
    frozen.thaw()
    death = frozen.wait(_WAIT_S)
    assert death.code in (1, Fenced.exit_code)
    assert death.said.startswith("ccit: ")
    assert "another process has taken over" in death.said
    frozen.start()
    frozen.await_said("assigned")
    system.feed.up_to(2 * RECORDS)
    system.feed.flush()
    system.settle(_WAIT_S, rounds=False)
    assert system.truth().total == 0, system.truth()


def test_of_two_under_one_name_the_older_is_fenced_and_says_so(system: System) -> None:
    older = system.slot("score", "older", instance="score-a")
    newer = system.slot("score", "newer", instance="score-a")
    older.start()
    fed = RECORDS
    system.feed.up_to(fed)
    system.settle(_WAIT_S, rounds=False)
    newer.start()
    newer.await_said("assigned")
    deadline = time.monotonic() + _WAIT_S
    while (death := older.poll()) is None:  # it hears of it at its next commit
        assert time.monotonic() < deadline, older.log
        fed += 2
        system.feed.up_to(fed)
        time.sleep(0.1)
    assert death.code == Fenced.exit_code
    assert "another process has taken over" in death.said
    system.feed.flush()
    system.settle(_WAIT_S, rounds=False)
    assert newer.poll() is None, newer.log
    assert system.truth().total == 0, system.truth()

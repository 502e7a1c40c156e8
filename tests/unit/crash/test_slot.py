"""What a slot tells of a life is told by that life, not by an earlier one whose words are in the same log."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from ccit.failpoints import struck
from tests.crash.process import BEGINS
from tests.crash.slot import Slot


@pytest.fixture
def slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slot:
    """Its process is a shell script instead of a consumer."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\n. ./script\n", "utf-8")
    script.chmod(0o700)
    monkeypatch.setattr("tests.crash.slot.ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", str(script))
    return Slot("train", "train-a", tmp_path / "ccit.toml", tmp_path / "logs")


def live(slot: Slot, script: str, failpoint: str = "") -> None:
    (slot.log.parents[1] / "script").write_text(script, "utf-8")
    slot.start(failpoint)


def test_a_silent_end_is_not_explained_by_an_earlier_life(slot: Slot) -> None:
    live(slot, f"echo {BEGINS} >&2; echo ccit: fenced >&2; exit 1")
    first = slot.wait(10.0)
    live(slot, "exit 1")
    second = slot.wait(10.0)
    assert (first.code, first.said, first.begun) == (1, "ccit: fenced", True)
    assert (second.code, second.said, second.begun) == (1, "", False)
    assert slot.log.read_text("utf-8").count("fenced") == 1


def test_a_strike_is_believed_when_it_was_said(slot: Slot) -> None:
    live(slot, f"echo '{struck('train.judged')}' >&2; kill -9 $$", "train.judged@2")
    there = slot.wait(10.0)
    live(slot, "kill -9 $$", "train.judged@2")
    elsewhere = slot.wait(10.0)
    assert (there.armed, there.at_failpoint, there.by_us) == ("train.judged", True, False)
    assert (elsewhere.armed, elsewhere.at_failpoint, elsewhere.by_us) == ("train.judged", False, False)


def test_our_own_kill_is_known(slot: Slot) -> None:
    live(slot, "echo here >&2; exec sleep 60", "train.judged")
    slot.await_said("here", 10.0)
    slot.kill()
    death = slot.wait(10.0)
    assert (death.code, death.at_failpoint, death.by_us) == (-signal.SIGKILL, False, True)

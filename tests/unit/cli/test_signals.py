"""What each order of signals does to a command."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ccit.cli.run import stop_on_signals
from consumers.supervise import STOP

TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    said: list[str] = []
    before = {number: signal.getsignal(number) for number in (TERM, INT, STOP)}
    monkeypatch.setattr(os, "_exit", lambda code: said.append(f"exit {code}"))
    stop_on_signals(lambda: said.append("stop"), at_once=lambda: said.append("at once"))
    yield said
    for number, disposition in before.items():
        signal.signal(number, disposition)


@pytest.mark.parametrize("order", [[TERM], [INT], [STOP], [STOP, TERM], [TERM, STOP], [STOP, INT, STOP]])
def test_the_first_signal_asks_and_what_a_supervisor_adds_does_not_count(
    heard: list[str], order: list[signal.Signals]
) -> None:
    for number in order:
        signal.raise_signal(number)
    assert heard == ["stop"] * len(order)


@pytest.mark.parametrize("order", [[TERM, TERM], [INT, INT], [INT, TERM], [TERM, STOP, INT], [STOP, TERM, TERM]])
def test_the_second_ends_at_once(heard: list[str], order: list[signal.Signals]) -> None:
    for number in order:
        signal.raise_signal(number)
    assert heard[-2:] == ["at once", f"exit {128 + order[-1]}"]
    assert heard[:-2] == ["stop"] * (len(order) - 1)

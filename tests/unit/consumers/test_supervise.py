"""The supervisor with children that are quick to start: `ccit --version`, `ccit config` and a wrong flag."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccit.errors import CcitError
from consumers.supervise import Supervisor, last_line


def eventually(done: Callable[[], bool]) -> None:
    while not done():  # the suite's own timeout ends what never comes
        time.sleep(0.02)


def watched(supervisor: Supervisor) -> None:
    while True:
        supervisor.watch()
        time.sleep(0.02)


def test_a_wrong_configuration_is_said_once_and_not_tried_again(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("score-0", ["score", "--config", str(tmp_path / "nowhere.toml")])
        with pytest.raises(CcitError, match=r"score-0 cannot start: .*nowhere\.toml"):
            watched(supervisor)


def test_what_dies_is_started_again_and_its_log_goes_on(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("brief", ["--version"])
        first = supervisor.process_ids()["brief"]

        def restarted() -> bool:
            supervisor.watch()
            return supervisor.process_ids()["brief"] != first

        eventually(restarted)
        eventually(lambda: (tmp_path / "brief.log").read_text().count("version") == 2)


def test_stopping_ends_every_child(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, {"CCIT_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    supervisor.start("broker", ["broker", "--help"])
    supervisor.start("other", ["--help"])
    process_ids = supervisor.process_ids()
    supervisor.stop()
    for process_id in process_ids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)
    assert supervisor.process_ids() == {}


def test_the_last_line_of_a_log_says_what_went_wrong(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"starting\nccit: no broker \xff answers\n\n")
    assert last_line(log) == "ccit: no broker \ufffd answers"
    log.write_bytes(b"")
    assert last_line(log) == "it said nothing"

"""The supervisor with children that are quick to start: `ccit --version`, `ccit config`, a wrong flag, and scripts."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccit.errors import CcitError, Fenced
from consumers import supervise
from consumers.supervise import STOP, Supervisor, grace, last_line

PYTHON = (sys.executable, "-c")
STUBBORN = f"""
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, {STOP.value}):
    signal.signal(number, lambda n, _: print("heard", n, flush=True))
print("ready", flush=True)
while True:
    time.sleep(60)
"""
POLITE = f"""
import signal
signal.signal({STOP.value}, lambda n, _: print("left", flush=True) or exit(0))
print("ready", flush=True)
while True:
    signal.pause()
"""
FENCED = f"print('ccit: taken over'); raise SystemExit({Fenced.exit_code})"


def gone(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


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


def test_only_the_tail_of_a_log_is_read(tmp_path: Path) -> None:
    """It only ever grows, and it is looked at each time its process ends."""
    log = tmp_path / "x.log"
    log.write_bytes(b"x" * 200_000)
    assert len(last_line(log)) == 64 * 1024
    log.write_bytes(b"x" * 200_000 + "\nccit: kein Platz für mehr\n".encode())
    assert last_line(log) == "ccit: kein Platz für mehr"


def test_the_log_of_a_child_that_waits_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return last_line(path)

    monkeypatch.setattr(supervise, "last_line", counted)
    with Supervisor(tmp_path, program=PYTHON) as supervisor:
        supervisor.start("train-0", [FENCED])

        def ended() -> bool:
            supervisor.watch()
            return bool(read)

        eventually(ended)
        for _ in range(20):
            supervisor.watch()
    assert read == [tmp_path / "train-0.log"]


def test_a_child_is_asked_to_leave_and_hears_nothing_of_the_terminal(tmp_path: Path) -> None:
    """A second signal ends a consumer at once: so a Ctrl-C must not reach it beside the supervisor's own request."""
    log = tmp_path / "polite.log"
    with Supervisor(tmp_path, program=PYTHON) as supervisor:
        supervisor.start("polite", [POLITE])
        eventually(lambda: log.read_text() == "ready\n")
        child = supervisor.process_ids()["polite"]
        assert os.getsid(child) == os.getpgid(child) == child != os.getpgrp()
    assert log.read_text() == "ready\nleft\n"


def test_the_grace_lasts_longer_than_a_server_drains() -> None:
    assert Supervisor(Path()).grace_s > 35.0
    assert grace(100.0) > 105.0
    assert grace(0.0) > 25.0


def test_who_does_not_leave_within_the_grace_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(tmp_path, program=PYTHON, grace_s=0.2)
    supervisor.start("stubborn", [STUBBORN])
    eventually(lambda: "ready" in (tmp_path / "stubborn.log").read_text())
    child = supervisor.process_ids()["stubborn"]
    supervisor.stop()
    assert gone(child)
    assert (tmp_path / "stubborn.log").read_text() == f"ready\nheard {STOP.value}\n"
    assert "stubborn did not end within 0 s and is killed" in caplog.text


def test_an_interrupted_wait_leaves_nobody_behind(tmp_path: Path) -> None:
    """Somebody presses Ctrl-C again while `ccit demo` waits for its processes to end."""
    supervisor = Supervisor(tmp_path, program=PYTHON)
    supervisor.start("stubborn", [STUBBORN])
    eventually(lambda: "ready" in (tmp_path / "stubborn.log").read_text())
    child = supervisor.process_ids()["stubborn"]
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            supervisor.stop()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert gone(child)


def test_what_another_process_has_taken_over_is_left_to_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two supervisors that start their trainer again each time would end each other's for ever."""
    with Supervisor(tmp_path, program=PYTHON) as supervisor:
        supervisor.start("train-0", [FENCED])
        supervisor.start("brief", ["pass"])
        first = supervisor.process_ids()

        def others_go_on() -> bool:
            supervisor.watch()
            return supervisor.process_ids()["brief"] != first["brief"]

        eventually(others_go_on)
        assert supervisor.process_ids()["train-0"] == first["train-0"]
    assert caplog.messages.count("train-0 is not started again, and the others go on: ccit: taken over") == 1


def test_a_machine_that_slept_starts_again_what_the_broker_gave_up(tmp_path: Path) -> None:
    now = [1000.0]
    with Supervisor(tmp_path, program=PYTHON, clock=lambda: now[0]) as supervisor:
        supervisor.watch()
        supervisor.start("score-0", [FENCED])
        first = supervisor.process_ids()["score-0"]
        now[0] += 600.0

        def restarted() -> bool:
            supervisor.watch()
            return supervisor.process_ids()["score-0"] != first

        eventually(restarted)


def test_a_child_has_its_own_environment_on_top_of_that_of_all(tmp_path: Path) -> None:
    said = "import os; print(os.environ['A'], os.environ['B'], flush=True)"
    with Supervisor(tmp_path, {"A": "all", "B": "all"}, program=PYTHON) as supervisor:
        supervisor.start("one", [said], {"B": "own"})
        eventually(lambda: (tmp_path / "one.log").read_text() == "all own\n")

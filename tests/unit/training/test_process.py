import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ccit.config import Config
from ccit.errors import ConfigError, MemoryExhausted, ModelUnusable, TrainingFailed
from ccit.failpoints import ENVIRONMENT_VARIABLE
from ccit.records import Candidate, Material, Question
from ccit.training.process import TrainingProcess
from tests.unit.training.conftest import make_config
from tests.unit.training.tiny_rounds import TinyRounds, quiet

pytestmark = pytest.mark.trains
SUITES = {"domain": (Question("q", "g", "Which?", "a", ("a", "b")),)}


@pytest.fixture(scope="module")
def process(model_folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingProcess]:
    """One for all tests here: a child takes seconds to start."""
    root = tmp_path_factory.mktemp("process")
    running = TrainingProcess(make_config(model_folders, root / "store"), root / "log" / "child.log")
    running.start()
    yield running
    running.close()


def children() -> list[psutil.Process]:
    own = psutil.Process().children(recursive=True)
    return [p for p in own if "ccit.training.worker" in " ".join(p.cmdline())]


def test_a_child_trains_as_this_process_would_and_answers(
    process: TrainingProcess, rounds: TinyRounds, tmp_path: Path
) -> None:
    stages: list[tuple[str, int, int]] = []
    there = process.train(*rounds.job(), lambda *at: stages.append(at))
    here = rounds.train(tmp_path / "here")
    assert there.adapters == here.adapters
    assert stages[-1] == ("train proxy", 8, 8)
    assert children()[0].nice() >= 5
    before = process.evaluate(None, SUITES, rounds.material.validation, quiet)
    after = process.evaluate(there.adapters, SUITES, rounds.material.validation, quiet)
    assert [a.question_id for a in after.of("domain")] == ["q"]
    assert after.validation_loss != before.validation_loss


def test_settings_that_do_not_fit_the_models_are_said_at_start_and_of_each_training(
    rounds: TinyRounds, tmp_path: Path
) -> None:
    training = rounds.settings(target_modules=["q_proj", "embed_tokens"])
    process = TrainingProcess(rounds.config.model_copy(update={"training": training}), tmp_path / "child.log")
    try:
        for _ in range(2):
            with pytest.raises(ConfigError, match="names 'embed_tokens', but that is the table of embeddings"):
                process.train(*rounds.job(), quiet)
        assert process.evaluate(None, SUITES, (), quiet).of("domain")
    finally:
        process.close()
    said = (tmp_path / "child.log").read_text()  # of one child, which has not died of it
    assert said.count("no round can be trained: training.target_modules names 'embed_tokens'") == 1


def test_a_killed_child_is_a_failure_and_the_next_one_ends_the_round_alike(
    rounds: TinyRounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = TrainingProcess(rounds.config, tmp_path / "child.log")
    steps: list[tuple[str, int, int]] = []
    try:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, "training.checkpointed@3")
        with pytest.raises(TrainingFailed, match="signal 9"):
            process.train(*rounds.job(), quiet)
        monkeypatch.delenv(ENVIRONMENT_VARIABLE)
        resumed = process.train(*rounds.job(), lambda *at: steps.append(at))
    finally:
        process.close()
    whole = rounds.train(tmp_path / "whole")
    assert resumed.adapters == whole.adapters
    assert resumed.losses == whole.losses
    assert steps[0] == ("train deployed", 7, 8)  # the third checkpoint stands at step 6


def test_errors_keep_their_class_and_the_child_goes_on(process: TrainingProcess, rounds: TinyRounds) -> None:
    planned, _, base = rounds.job()
    with pytest.raises(ModelUnusable, match="no sample"):
        process.train(planned, Material((), ()), base, quiet)
    first = children()[0].pid
    assert process.evaluate(None, SUITES, (), quiet).of("domain")
    assert children()[0].pid == first


def test_an_error_in_the_progress_callback_ends_the_job_and_its_child(
    process: TrainingProcess, rounds: TinyRounds
) -> None:
    def progress(stage: str, done: int, total: int) -> None:
        raise ZeroDivisionError

    first = children()[0].pid
    with pytest.raises(ZeroDivisionError):
        process.train(*rounds.job(5), progress)
    assert first not in [child.pid for child in children()]


def test_a_cancelled_job_fails_and_the_next_one_runs(process: TrainingProcess, rounds: TinyRounds) -> None:
    begun = threading.Event()
    results: list[Candidate | TrainingFailed] = []

    def train() -> None:
        def progress(stage: str, done: int, total: int) -> None:
            if not begun.is_set():
                os.kill(children()[0].pid, signal.SIGSTOP)  # so that it cannot end before it is cancelled
                begun.set()

        try:
            results.append(process.train(*rounds.job(1), progress))
        except TrainingFailed as failure:
            results.append(failure)

    thread = threading.Thread(target=train, daemon=True)
    thread.start()
    assert begun.wait(60)
    process.cancel()
    thread.join(60)
    assert isinstance(results[0], TrainingFailed)
    assert "cancelled" in str(results[0])
    assert process.train(*rounds.job(1), quiet).round_id == rounds.plan(1).round_id
    process.close()
    assert not children()


def test_a_child_that_cannot_start_says_why(config: Config, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="nowhere"):
        TrainingProcess(config, command=(str(tmp_path / "nowhere"),)).evaluate(None, SUITES, (), quiet)
    silent = TrainingProcess(
        config, tmp_path / "log", command=(sys.executable, "-c", "raise SystemExit('no GPU for me')")
    )
    with pytest.raises(TrainingFailed, match="exit code 1: no GPU for me"):
        silent.evaluate(None, SUITES, (), quiet)
    assert "no GPU" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("log", ["/dev/full", "/dev/null/log"], ids=["full disk", "no such folder"])
def test_a_log_that_cannot_be_written_holds_up_no_child(config: Config, log: str) -> None:
    """A pipe takes 64 KiB; nobody reading it, the child would stand still."""
    talkative = "import sys; sys.stderr.write('warning\\n' * 50_000); raise SystemExit('that was all')"
    process = TrainingProcess(config, Path(log), command=(sys.executable, "-c", talkative))
    with pytest.raises(TrainingFailed, match="exit code 1: that was all"):
        process.evaluate(None, SUITES, (), quiet)


def test_a_parent_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    code = (
        "import sys; from ccit.config import Config; from ccit.training.process import TrainingProcess\n"
        "p = TrainingProcess(Config()); p.start(); print(p._child._process.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    child.wait(60)


# -- over children that speak the protocol and have no model ----------------------------------------------------------

SPOKEN = """
import json, os, sys, time
def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)
say("ready")
tokens = 0
for line in sys.stdin:
    message = json.loads(line)
    if message["kind"] == "setup":
        tokens = message["training"]["batch_tokens"]
        continue
    REPLY
"""
ANSWER = 'say("evaluated", results={"answers": {"domain": []}, "validation_loss": tokens, "spend": {}})'


def speaking(reply: str, tmp_path: Path, batch_tokens: int | str = 1024, **training: float) -> TrainingProcess:
    """A child that does `reply`, a Python statement, for each job; `tokens` are those of a micro-batch."""
    own = {"batch_tokens": batch_tokens, **training}
    config = Config.model_validate({"training": own, "store": {"root": str(tmp_path)}})
    script = SPOKEN.replace("REPLY", reply)
    return TrainingProcess(config, tmp_path / "log", command=(sys.executable, "-c", script))


def test_a_job_that_lacks_memory_is_done_in_smaller_micro_batches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lack = 'say("failed", error="MemoryExhausted", message="too large", worn=True)'
    process = speaking(f"{lack} if tokens > 256 else {ANSWER}", tmp_path)
    try:
        assert process.evaluate(None, SUITES, (), quiet).validation_loss == 256
        assert ["micro-batches of 512" in caplog.messages[0], "of 256" in caplog.messages[1]] == [True, True]
        caplog.clear()
        assert process.evaluate(None, SUITES, (), quiet).validation_loss == 256
        assert caplog.records == []  # what did not fit once is not tried again
    finally:
        process.close()


def test_what_a_child_chose_is_halved_where_it_does_not_fit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lack = 'say("failed", error="MemoryExhausted", message="too large", worn=True)'
    choice = 'say("batch_chosen", batch_tokens=2048) if tokens == "auto" else None'
    process = speaking(f'{choice}; {lack} if tokens == "auto" or tokens > 512 else {ANSWER}', tmp_path, "auto")
    try:
        assert process.evaluate(None, SUITES, (), quiet).validation_loss == 512
        assert ["of 1024" in caplog.messages[0], "of 512" in caplog.messages[1]] == [True, True]
    finally:
        process.close()


def test_a_child_that_died_before_it_could_choose_is_followed_by_a_stated_size(tmp_path: Path) -> None:
    process = speaking(f'os.kill(os.getpid(), 9) if tokens == "auto" else {ANSWER}', tmp_path, "auto")
    try:
        with pytest.raises(TrainingFailed, match="signal 9"):
            process.evaluate(None, SUITES, (), quiet)
        assert process.evaluate(None, SUITES, (), quiet).validation_loss == 2048
    finally:
        process.close()


@pytest.mark.parametrize(
    "death",
    ['say("failed", error="MemoryExhausted", message="too large", worn=True)', "os.kill(os.getpid(), 9)"],
    ids=["the library says so", "the kernel kills it"],
)
def test_a_job_that_fits_in_no_memory_says_so_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, death: str
) -> None:
    process = speaking(death, tmp_path, batch_tokens=256)
    try:
        if "kill" in death:  # the first may be anybody's
            with pytest.raises(TrainingFailed, match="signal 9"):
                process.evaluate(None, SUITES, (), quiet)
        for _ in range(2):  # the second from the configured size on: somebody may have made room meanwhile
            with pytest.raises(MemoryExhausted, match="down to 64"):
                process.evaluate(None, SUITES, (), quiet)
            assert "micro-batches of 128" in caplog.text
            caplog.clear()
    finally:
        process.close()


def test_a_child_that_hangs_is_ended_after_the_stated_time(tmp_path: Path) -> None:
    process = speaking('say("progressed", stage="train", done=1, total=2); time.sleep(60)', tmp_path, stall_seconds=0.5)
    try:
        with pytest.raises(TrainingFailed, match=r"no progress .* for 0.5 s \(training.stall_seconds\)"):
            process.evaluate(None, SUITES, (), quiet)
    finally:
        process.close()


def test_progress_keeps_a_slow_child_alive(tmp_path: Path) -> None:
    steps = 'for n in range(4): say("progressed", stage="train", done=n, total=4); time.sleep(0.4)'
    process = speaking(f"{steps}\n    {ANSWER}", tmp_path, stall_seconds=1.2)
    try:
        assert process.evaluate(None, SUITES, (), quiet).validation_loss == 1024
    finally:
        process.close()


def test_our_own_signal_is_never_named_as_the_cause(tmp_path: Path) -> None:
    """A child that fails closes its side first, and takes seconds to end: to end it then would hide what it said."""
    dying = "os.close(1); time.sleep(1); raise SystemExit('the adapter cannot be saved')"
    process = speaking(dying, tmp_path)
    with pytest.raises(TrainingFailed, match="exit code 1: the adapter cannot be saved"):
        process.evaluate(None, SUITES, (), quiet)


def test_a_child_in_which_a_library_failed_is_replaced(tmp_path: Path) -> None:
    """A device may be in any state after an error; the next try gets a fresh process."""
    process = speaking(
        'say("failed", error="TrainingFailed", message=f"ValueError in {os.getpid()}", worn=True)', tmp_path
    )
    said = set()
    try:
        for _ in range(2):
            with pytest.raises(TrainingFailed, match="ValueError in") as failure:
                process.evaluate(None, SUITES, (), quiet)
            said.add(str(failure.value))
        assert len(said) == 2
    finally:
        process.close()

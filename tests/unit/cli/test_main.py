"""Exit codes and the one line on stderr: 0 done, 1 failed, 2 bad usage or configuration."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import orjson
import pytest

from ccit.cli import main as entry
from ccit.cli.main import COMMANDS, cli
from consumers.kafka.clients import require_broker


class Said(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ccit ARGUMENTS` in this process, where nobody answers at the broker's address."""
    monkeypatch.setenv("CCIT_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for name in ("TOKENIZERS_PARALLELISM", "OMP_WAIT_POLICY", "TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, "")  # the command sets defaults, which must not outlive the test
    monkeypatch.setattr(require_broker, "__defaults__", (0.3,))  # seconds; 10 in earnest

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["ccit", *map(str, arguments)])
        try:
            entry.main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code or 0
        found = capsys.readouterr()
        assert isinstance(code, int)
        return Said(code, found.out, found.err)

    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_found_and_explains_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.name for o in options if not o.help and o.name not in ("data", "logs", "seed", "out")] == []


def test_help_lists_every_command_in_the_order_of_use(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    listed = said.out.partition("Commands:")[2]
    places = [listed.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_the_version_is_the_packages(run: Run) -> None:
    from ccit import __version__

    assert run("--version").out.strip() == f"ccit, version {__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("rollback", "--to", "x"),
        ("rollback", "--backwards"),
        ("feed",),
        ("feed", "nowhere.jsonl"),
        ("assess", "nowhere.jsonl", "--out", "x.jsonl"),
        ("replay", "nowhere.jsonl"),
        ("demo", "--broker", "cloud"),
        ("demo", "--records", "3"),
        ("broker", "--nodes", "2"),
        ("rolback",),
        ("versions", "--config", "nowhere.toml"),
        ("config", "--config", "nowhere.toml"),
        ("train", "--config", "nowhere.toml"),
    ],
    ids=" ".join,
)
def test_bad_usage_and_bad_configuration_are_two(run: Run, arguments: tuple[str, ...]) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_wrong_key_is_named_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ccit.toml").write_text("[rounds]\nsizes = 5\n")
    said = run("versions", "--config", tmp_path / "ccit.toml")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith("ccit: rounds.sizes: ")


@pytest.mark.parametrize("name", ["rollback", "hold", "resume", "round-now", "versions", "status", "verify"])
def test_without_a_broker_it_is_one_and_one_line_that_says_what_to_do(run: Run, name: str) -> None:
    said = run(name)
    assert said.code == 1
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("ccit: a Kafka broker should answer at 127.0.0.1:1")
    assert "ccit broker" in line


@pytest.mark.parametrize("name", ["status", "rollback", "ingest"])
def test_the_embedded_broker_has_no_address_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CCIT_KAFKA__BOOTSTRAP_SERVERS", "embedded")
    said = run(name)
    assert said.code == 2
    assert "CCIT_KAFKA__BOOTSTRAP_SERVERS" in said.err
    assert said.err.count("\n") == 1


def test_feeding_without_a_broker_sends_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    said = run("feed", tmp_path / "rows.jsonl")
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)


def test_a_place_that_cannot_be_written_to_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = run("demo", "--out", tmp_path / "file" / "demo")
    assert said.code in (1, 2)
    assert "Traceback" not in said.err
    assert str(tmp_path / "file") in said.err


def test_an_interruption_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "cli", interrupted)
    assert run("status") == Said(130, "", "ccit: interrupted\n")


def test_the_configuration_in_force_is_json_and_hides_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCIT_SERVING__TOKEN", "ccit")  # equal to another value, which must stay readable
    monkeypatch.setenv("CCIT_KAFKA__CLIENT", '{"sasl.password": "s3cret", "sasl.mechanism": "PLAIN"}')
    said = run("config")
    assert orjson.loads(said.out)["kafka"]["bootstrap_servers"] == "127.0.0.1:1"
    assert "s3cret" not in said.out
    shown = orjson.loads(said.out)
    assert shown["kafka"]["client"] == {"sasl.password": "***", "sasl.mechanism": "PLAIN"}
    assert (shown["serving"]["token"], shown["models"]["alias"]) == ("***", "ccit")


def test_nobody_reading_on_is_no_failure() -> None:
    """`ccit config --markdown | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ccit.cli.main", "config", "--markdown"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()

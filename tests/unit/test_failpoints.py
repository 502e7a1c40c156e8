"""Failpoints: the list is closed, each of its names is in the code, and each name strikes when it should."""

from __future__ import annotations

import ast
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ccit
import consumers
from ccit.errors import ConfigError
from ccit.failpoints import ENVIRONMENT_VARIABLE, FAILPOINTS, Armed, struck


def called_names(package: Path) -> set[str]:
    """Every string literal given to `failpoint(...)` in a package."""
    names = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"
            if called and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    return names


def test_list_and_code_agree() -> None:
    roots = [Path(str(module.__file__)).parent for module in (ccit, consumers)]
    assert set().union(*map(called_names, roots)) == set(FAILPOINTS)
    assert len(FAILPOINTS) == len(set(FAILPOINTS))


def run(armed: str) -> subprocess.CompletedProcess[str]:
    code = "from ccit.failpoints import failpoint\nfor n in range(4): failpoint('batch.read'); print(n, flush=True)"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, ENVIRONMENT_VARIABLE: armed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_kills_at_the_given_pass() -> None:
    done = run("batch.read@3")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "0\n1\n"
    assert done.stderr == f"{struck('batch.read')}\n"


def test_unset_and_other_points_pass() -> None:
    assert run("").returncode == 0
    assert run("commit.done").returncode == 0


def test_raises_a_full_disk_once() -> None:
    armed = Armed.parse("batch.read:raise")
    with pytest.raises(OSError, match="No space left") as caught:
        armed.passed("batch.read")
    assert caught.value.errno == errno.ENOSPC
    armed.passed("batch.read")


@pytest.mark.parametrize("text", ["nowhere", "batch.read@0", "batch.read@x", "batch.read:explode", "@1", ":raise"])
def test_unknown_name_or_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"choose from batch\.read"):
        Armed.parse(text)


def test_a_point_that_is_not_listed_is_refused_when_armed() -> None:
    with pytest.raises(ConfigError, match="add it there"):
        Armed.parse("batch.read").passed("batch.forgotten")

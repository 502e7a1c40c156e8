"""Names, sizes and manners that hold everywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT, code_lines, sources

MAX_PIPELINE_LINES = 200  # it is the first file a newcomer reads
MAX_CODE_LINES = 350  # without docstrings and comments, which are to be as long as they need
EMPTY_NAMES = re.compile(r"manager|handler|helper|utils?\b|misc|common", re.IGNORECASE)
# A crash of a worker thread is handed over whole to the thread that waits for it, or something is cleaned up before it
# goes on its way: nowhere else is everything caught.
# Each hands what it caught to somebody who waits for it.
CATCHES_ALL = {
    *("consumers/kafka/stepper.py", "consumers/round_job.py", "consumers/broker/local.py"),
    "ccit/serving/decode_loop.py",
}

# Models, jars and schemas are public; the first is where the others' files and folders are made.
HOLD_NO_RECORDS = {
    "ccit/store/private.py",
    *("ccit/models/fetching.py", "ccit/models/sealed_folder.py", "ccit/testing.py", "ccit/events.py"),
    "consumers/broker/java.py",
}

# Put together from pieces, so that this file does not hold what it looks for.
FORBIDDEN_TEXT = {
    "a machine's path": re.compile(r"(?<![\w.~-])/(?:" + "|".join(("work", "root", "farm")) + r")/"),
    "the host name of a package registry": re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "repo1?" + r"\.maven",
                "maven" + r"\.org",
                "maven" + r"\.apache\.org/maven2",
                "huggingface" + r"\.co",
                "registry" + r"\.npmjs",
                "download\\.pytorch" + r"\.org",
            )
        )
    ),
}


def tracked() -> list[str]:
    """What git tracks; in a copy without git, everything but what is made there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    made = re.compile(r"(^|/)(\.(?!ci/|gitignore)[^/]+|runs|build|__pycache__|[^/]+\.egg-info)(/|$)")
    names = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file())
    return sorted(name for name in names if not made.search(name))


def test_the_spine_fits_in_the_head() -> None:
    assert len(sources()["ccit.pipeline"].text.splitlines()) <= MAX_PIPELINE_LINES


def test_no_module_is_long() -> None:
    assert {str(s): n for s in sources().values() if (n := code_lines(s)) > MAX_CODE_LINES} == {}


def test_names_say_what_a_thing_is() -> None:
    named = [str(s) for s in sources().values()]
    for source in sources().values():
        named += [f"{source}: {n.name}" for n in ast.walk(source.tree) if isinstance(n, ast.ClassDef)]
    assert [name for name in named if EMPTY_NAMES.search(name)] == []


def test_a_public_class_has_its_name_alone() -> None:
    """One word, one meaning: whoever reads a name, or searches for it, finds the one thing that it is."""
    places: dict[str, list[str]] = {}
    for source in sources().values():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(source))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_files_are_made_where_they_are_made_private() -> None:
    """Patients' text is for its owner alone: `ccit/store/private.py` and what stands on it make files and folders."""
    makes = re.compile(r"""\.(?:mkdir|makedirs|write_text|write_bytes)\(|\.open\(\s*["'][wax]""")
    wrong = []
    for source in sources().values():
        if str(source) in HOLD_NO_RECORDS:
            continue
        for number, line in enumerate(source.text.splitlines(), start=1):
            if makes.search(line) and not line.lstrip().startswith((">>>", "...")):
                wrong.append(f"{source}:{number} {line.strip()}")
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    assert [str(s) for s in sources().values() if not ast.get_docstring(s.tree)] == []


def test_nothing_catches_everything() -> None:
    wrong = []
    for source in sources().values():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught in ("", "Exception") or (caught == "BaseException" and str(source) not in CATCHES_ALL):
                wrong.append(f"{source}:{node.lineno} except {caught}")
    assert wrong == []


@pytest.mark.parametrize("what", FORBIDDEN_TEXT)
def test_tracked_files_name_no(what: str) -> None:
    wrong = []
    for name in tracked():
        for number, line in enumerate((ROOT / name).read_bytes().decode("utf-8", "replace").splitlines(), start=1):
            if FORBIDDEN_TEXT[what].search(line):
                wrong.append(f"{name}:{number}")
    assert wrong == []


def test_no_test_is_skipped() -> None:
    marks = re.compile(r"\b(?:pytest\.mark\." + "(?:skip|skipif|xfail)" + r"|pytest\." + r"skip\()")
    assert [n for n in tracked() if n.startswith("tests/") and marks.search((ROOT / n).read_text("utf-8"))] == []


def test_suppressions_are_narrow_and_give_a_reason() -> None:
    bare = re.compile(r"#\s*(?:type:\s*ignore(?!\[)|noqa(?!:))")
    reasonless = re.compile(r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z0-9, ]+)\s*$")
    wrong = []
    for source in sources().values():
        for number, line in enumerate(source.text.splitlines(), start=1):
            if bare.search(line) or reasonless.search(line):
                wrong.append(f"{source}:{number}")
    assert wrong == []


def test_python_is_the_declared_one() -> None:
    assert sys.version_info >= (3, 11)

"""Answers on disk: whole or not at all, their owner's alone, and swept."""

from __future__ import annotations

import os
from pathlib import Path

from ccit.generation.answers import Answers
from ccit.generation.asking import Answer

DIGEST = "ab" * 32
ANSWER = Answer("Lungs are clear.", "stop", "", "m@3", 12)


def only_file(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


def test_an_answer_is_found_by_another_process(tmp_path: Path) -> None:
    Answers(tmp_path / "new").keep(DIGEST, ANSWER, 40)
    assert Answers(tmp_path / "new").kept(DIGEST) == ANSWER


def test_it_is_its_owner_s_alone(tmp_path: Path) -> None:
    Answers(tmp_path / "new").keep(DIGEST, ANSWER, 40)
    path = only_file(tmp_path)
    assert all(one.stat().st_mode & 0o077 == 0 for one in (path, path.parent, path.parent.parent))


def test_a_damaged_one_is_none(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.keep(DIGEST, ANSWER, 40)
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for content in (whole[:-1], whole.replace(b"clear", b"wrong"), b""):
        path.write_bytes(content)
        assert answers.kept(DIGEST) is None


def test_what_was_spent_lately_is_known_after_a_restart_and_old_ones_go(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.keep(DIGEST, ANSWER, 40)
    answers.keep("cd" * 32, ANSWER, 40)
    os.utime(tmp_path / "cd" / ("cd" * 32), (1000.0, 1000.0))
    assert [tokens for _, tokens in answers.spent_since(2000.0)] == [40]
    assert answers.sweep(days=30) == 1
    assert (answers.kept(DIGEST), answers.kept("cd" * 32)) == (ANSWER, None)
    assert list(Answers(tmp_path / "none").spent_since(0.0)) == []

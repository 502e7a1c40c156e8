from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.errors import StorageFailed
from ccit.store.atomic import STALE_SECONDS, remove_stale, write_atomically


@settings(max_examples=40, deadline=None)
@given(versions=st.lists(st.binary(max_size=100), min_size=1, max_size=4))
def test_the_last_write_wins_and_nothing_else_is_left(
    tmp_path_factory: pytest.TempPathFactory, versions: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("atomic") / "deep" / "er" / "file"
    for content in versions:
        write_atomically(path, content)
    assert path.read_bytes() == versions[-1]
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageFailed, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_steps_come_in_the_order_that_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kill shows this: what a killed process has written, the kernel still writes out. Only a power cut would."""
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def synced(handle: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        sync(handle)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_atomically(tmp_path / "file", b"content")
    assert steps == ["sync file", "rename", "sync folder"]


def test_only_old_temporary_files_are_swept(tmp_path: Path) -> None:
    old, young, other = tmp_path / ".a.1.tmp", tmp_path / ".b.2.tmp", tmp_path / "c"
    for file in (old, young, other):
        file.write_bytes(b"")
    before = time.time() - STALE_SECONDS - 60
    os.utime(old, (before, before))
    os.utime(other, (before, before))
    assert remove_stale(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == sorted([young, other])

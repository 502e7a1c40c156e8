from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory, open_private, read_key
from ccit.store.sealed import write_sealed
from consumers.supervise import Supervisor


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """The usual umask, which lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(root: Path) -> list[str]:
    return [str(path) for path in [root, *root.rglob("*")] if path.stat().st_mode & 0o077]


def test_what_is_written_is_the_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "store"
    write_atomically(root / "objects" / "a", b"text")
    write_sealed(root / "work" / "b", b"text")
    make_directory(root / "c" / "d")
    with open_private(root / "log", "ab") as log:
        log.write(b"text")
    supervisor = Supervisor(root / "logs", program=("true",))
    supervisor.start("score", [])
    supervisor.stop()
    assert len(list(root.rglob("*"))) == 9
    assert open_to_others(root) == []


def test_a_folder_that_somebody_shares_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(0o750)
    make_directory(tmp_path / "shared" / "own")
    assert [(tmp_path / "shared" / name).stat().st_mode & 0o777 for name in (".", "own")] == [0o750, 0o700]


def test_a_replaced_file_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    assert path.stat().st_mode & 0o077
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


_KEY = b"k" * 32


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(_KEY + b"\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_key(str(file), "deidentify.key_file")
    file.chmod(0o600)
    assert read_key(str(file), "deidentify.key_file") == _KEY
    for missing in ("", str(tmp_path / "none")):
        with pytest.raises(ConfigError, match=r"deidentify\.key_file"):
            read_key(missing, "deidentify.key_file")


def test_a_binary_key_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for written, key in ((b"\n" + bytes(range(128, 160)) + b" ", None), (b" " + b"ab" * 16 + b"\r\n", b"ab" * 16)):
        file.write_bytes(written)
        file.chmod(0o600)
        assert read_key(str(file), "deidentify.key_file") == (key or written)

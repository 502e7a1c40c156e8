from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ccit.models.free_memory import free_memory

GIB = 2**30


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "meminfo").write_text(
        f"MemTotal:  99 kB\nMemAvailable:  {8 * 2**20} kB\nHugePages_Total:  0\n", "ascii"
    )
    return tmp_path / "meminfo"


def container(folder: Path, limit: str, current: int, unused: int) -> Path:
    folder.mkdir()
    (folder / "memory.max").write_text(f"{limit}\n", "ascii")
    (folder / "memory.current").write_text(f"{current}\n", "ascii")
    (folder / "memory.stat").write_text(f"anon 7\ninactive_file {unused}\n", "ascii")
    return folder


def test_it_is_the_machines_where_there_is_no_container(machine: Path, tmp_path: Path) -> None:
    assert free_memory(machine, tmp_path / "nowhere") == 8 * GIB
    assert free_memory(machine, container(tmp_path / "unbounded", "max", GIB, 0)) == 8 * GIB


def test_a_containers_limit_counts_and_files_that_were_read_once_do_not(machine: Path, tmp_path: Path) -> None:
    bounded = container(tmp_path / "bounded", str(4 * GIB), 3 * GIB, GIB)
    assert free_memory(machine, bounded) == 2 * GIB
    assert free_memory(machine, container(tmp_path / "over", str(GIB), 2 * GIB, 0)) == 0


def test_a_system_that_does_not_tell_lends_half_of_what_it_has(tmp_path: Path) -> None:
    found = free_memory(tmp_path / "nowhere", tmp_path)
    assert found == pytest.approx(psutil.virtual_memory().total / 2, rel=0.05)

from __future__ import annotations

import os
from pathlib import Path

from ccit.store.pruning import keep_newest


def test_the_files_and_folders_that_changed_last_stay(tmp_path: Path) -> None:
    for age, name in enumerate("abcdef"):
        path = tmp_path / name
        if age % 2:
            path.mkdir()
            (path / "checkpoint").touch()
        else:
            path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    assert keep_newest(tmp_path.iterdir(), count=4) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "d"]
    assert keep_newest(tmp_path.iterdir(), count=4) == 0
    assert keep_newest([tmp_path / "gone"], count=0) == 0

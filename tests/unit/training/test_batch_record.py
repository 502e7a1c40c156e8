from __future__ import annotations

from pathlib import Path

import pytest

from ccit.training.batch_record import BatchSizes, sizes_of


def unasked() -> int:
    pytest.fail("a size is known")


def test_a_choice_stays_and_a_size_that_was_set_since_takes_its_place(tmp_path: Path) -> None:
    record = tmp_path / "batch"
    assert sizes_of(record, "auto", lambda: 1024, []) == BatchSizes(1024)
    assert sizes_of(record, "auto", unasked, []) == BatchSizes(1024)
    halved = BatchSizes(512, {"deployed": (1024,)})
    assert sizes_of(record, 512, unasked, ["deployed"]) == halved
    assert sizes_of(record, "auto", unasked, ["deployed"]) == halved
    again = BatchSizes(256, {"deployed": (1024, 512), "proxy": (512,)})
    assert sizes_of(record, 256, unasked, ["deployed", "proxy"]) == again
    assert sizes_of(record, 256, unasked, ["deployed", "proxy"]) == again


def test_what_lacked_memory_before_the_first_step_left_nothing(tmp_path: Path) -> None:
    record = tmp_path / "batch"
    sizes_of(record, "auto", lambda: 1024, [])
    assert sizes_of(record, 512, unasked, []) == BatchSizes(512)


def test_a_size_that_is_set_from_the_start_is_not_written(tmp_path: Path) -> None:
    assert sizes_of(tmp_path / "batch", 512, unasked, []) == BatchSizes(512)
    assert list(tmp_path.iterdir()) == []
